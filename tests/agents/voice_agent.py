# mypy: ignore-errors
# pyright: basic, reportMissingModuleSource=false, reportMissingImports=false, reportAttributeAccessIssue=false
"""A voice `AgentSession` whose speech recognition, language model and synthesis are stubs that need no network.

It takes loud audio for speech and answers each utterance with a tone: a long one first, short ones later. Prints a line
`ready` once it is registered, and one of JSON when the session has ended.

Usage: voice_agent.py URL KEY SECRET. Needs livekit-agents, and this package or the official `livekit`.
"""

from __future__ import annotations

import array
import asyncio
import json
import math
import sys
import time

from livekit import rtc
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, JobExecutorType, llm, stt, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS

RATE = 24_000
FREQUENCY = 700
"""Hz of the agent's voice."""
REPLIES = {"utterance 1": 5.0}
"""Seconds of the reply to an utterance; else SHORT."""
SHORT = 1.0
LOUD = 1000
SILENCE = 0.3
"""Seconds of silence that end an utterance."""

ended: asyncio.Future[dict[str, object]]


class EnergyStream(stt.RecognizeStream):
    async def _run(self) -> None:
        speaking, count, quiet_since = False, 0, 0.0
        async for frame in self._input_ch:
            if not isinstance(frame, rtc.AudioFrame):
                continue
            now = time.monotonic()
            if max(map(abs, frame.data), default=0) > LOUD:
                quiet_since = now
                if not speaking:
                    speaking, count = True, count + 1
                    self._send(stt.SpeechEventType.START_OF_SPEECH)
                    self._send(stt.SpeechEventType.INTERIM_TRANSCRIPT, f"utterance {count}")
            elif speaking and now - quiet_since > SILENCE:
                speaking = False
                self._send(stt.SpeechEventType.FINAL_TRANSCRIPT, f"utterance {count}")
                self._send(stt.SpeechEventType.END_OF_SPEECH)

    def _send(self, kind: stt.SpeechEventType, text: str = "") -> None:
        alternatives = [stt.SpeechData(language="en", text=text, confidence=1.0)] if text else []
        self._event_ch.send_nowait(stt.SpeechEvent(type=kind, alternatives=alternatives))


class EnergySTT(stt.STT):
    """Stands for speech recognition."""

    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))

    async def _recognize_impl(self, buffer, *, language=None, conn_options=None):
        raise NotImplementedError

    def stream(self, *, language=None, conn_options=DEFAULT_API_CONNECT_OPTIONS) -> EnergyStream:
        return EnergyStream(stt=self, conn_options=conn_options)


class EchoStream(llm.LLMStream):
    async def _run(self) -> None:
        text = next(item.text_content for item in reversed(self.chat_ctx.items) if getattr(item, "role", "") == "user")
        self._event_ch.send_nowait(llm.ChatChunk(id="1", delta=llm.ChoiceDelta(role="assistant", content=text)))


class EchoLLM(llm.LLM):
    """Stands for a language model."""

    def chat(self, *, chat_ctx, tools=None, conn_options=DEFAULT_API_CONNECT_OPTIONS, **_) -> EchoStream:
        return EchoStream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class ToneChunks(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(request_id="1", sample_rate=RATE, num_channels=1, mime_type="audio/pcm")
        size = int(RATE * REPLIES.get(self.input_text.strip(), SHORT))
        step = 2 * math.pi * FREQUENCY / RATE
        samples = array.array("h", (round(8000 * math.sin(step * index)) for index in range(size)))
        output_emitter.push(samples.tobytes())


class ToneTTS(tts.TTS):
    """Stands for speech synthesis."""

    def __init__(self) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=RATE, num_channels=1)

    def synthesize(self, text, *, conn_options=DEFAULT_API_CONNECT_OPTIONS) -> ToneChunks:
        return ToneChunks(tts=self, input_text=text, conn_options=conn_options)


async def entrypoint(ctx: JobContext) -> None:
    loop = ended.get_loop()
    session = AgentSession(
        stt=EnergySTT(),
        llm=EchoLLM(),
        tts=ToneTTS(),
        vad=None,
        turn_handling={"turn_detection": "stt"},
        aec_warmup_duration=None,
    )
    items: list[dict[str, object]] = []
    states: list[str] = []

    @session.on("conversation_item_added")
    def added(event) -> None:
        item = event.item
        if getattr(item, "role", None):
            items.append({"role": item.role, "text": item.text_content, "interrupted": item.interrupted})

    session.on("agent_state_changed", lambda event: states.append(event.new_state))

    @session.on("close")
    def closed(event) -> None:
        result = {"items": items, "states": states, "reason": event.reason.value, "error": str(event.error or "")}
        loop.call_soon_threadsafe(ended.set_result, result)

    await session.start(Agent(instructions="Repeat."), room=ctx.room)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main() -> None:
    global ended
    ended = asyncio.get_running_loop().create_future()
    url, key, secret = sys.argv[1:]
    worker = AgentServer(
        job_executor_type=JobExecutorType.THREAD,
        ws_url=url,
        api_key=key,
        api_secret=secret,
        host="127.0.0.1",
        port=0,
        num_idle_processes=0,
        load_fnc=lambda: 0.0,
    )
    worker.rtc_session(entrypoint)
    worker.on("worker_registered", lambda *_: say("ready"))
    running = asyncio.create_task(worker.run(devmode=True))
    done, _ = await asyncio.wait({running, ended}, return_when=asyncio.FIRST_COMPLETED)
    if ended in done:
        say(json.dumps(ended.result()))
    await worker.aclose()
    await asyncio.gather(running, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
