# mypy: ignore-errors
# pyright: basic, reportMissingModuleSource=false, reportMissingImports=false, reportAttributeAccessIssue=false
"""A text-only `AgentSession` that gets its jobs from a server by dispatch. Prints the replies.

Usage: text_session.py [URL KEY SECRET]; by default on the embedded server. Needs livekit-agents, and this package or
the official `livekit`.
"""

from __future__ import annotations

import asyncio
import json
import sys

from livekit import api, rtc
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, JobExecutorType, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.voice.room_io import RoomOptions

CHAT, REPLIES = "lk.chat", "lk.transcription"
PATIENCE = 60


class EchoStream(llm.LLMStream):
    async def _run(self) -> None:
        text = f"You said: {self.chat_ctx.items[-1].text_content}"
        self._event_ch.send_nowait(llm.ChatChunk(id="1", delta=llm.ChoiceDelta(role="assistant", content=text)))


class EchoLLM(llm.LLM):
    """Stands for a language model."""

    def chat(self, *, chat_ctx, tools=None, conn_options=DEFAULT_API_CONNECT_OPTIONS, **_) -> EchoStream:
        return EchoStream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


async def entrypoint(ctx: JobContext) -> None:
    session = AgentSession(llm=EchoLLM())
    options = RoomOptions(audio_input=False, audio_output=False)
    await session.start(Agent(instructions="Repeat."), room=ctx.room, room_options=options)


async def converse(url: str, key: str, secret: str, agent_name: str) -> str:
    """Join a room, wait for the agent, send it a text and return its reply."""
    room_name = f"text-{agent_name}"
    reply = asyncio.get_running_loop().create_future()
    room = rtc.Room()

    def read(reader: rtc.TextStreamReader, sender: str) -> None:
        reading = asyncio.ensure_future(reader.read_all())
        reading.add_done_callback(lambda done: reply.done() or reply.set_result(done.result()))

    is_ready = asyncio.Event()

    def check(*_: object) -> None:
        if any(one.attributes.get("lk.agent.state") == "listening" for one in room.remote_participants.values()):
            is_ready.set()

    room.on("participant_connected", check)
    room.on("participant_attributes_changed", check)
    room.register_text_stream_handler(REPLIES, read)
    grants = api.VideoGrants(room_join=True, room=room_name)
    await room.connect(url, api.AccessToken(key, secret).with_identity("caller").with_grants(grants).to_jwt())
    check()
    if agent_name:
        async with api.LiveKitAPI(url.replace("ws", "http", 1), key, secret) as lk:
            request = api.CreateAgentDispatchRequest(agent_name=agent_name, room=room_name)
            await lk.agent_dispatch.create_dispatch(request)
    await is_ready.wait()
    await room.local_participant.send_text("hello", topic=CHAT)
    text = await reply
    await room.disconnect()
    return text


async def run(url: str, key: str, secret: str, agent_name: str) -> str:
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
    worker.rtc_session(entrypoint, agent_name=agent_name)
    registered = asyncio.Event()
    worker.on("worker_registered", lambda *_: registered.set())
    running = asyncio.create_task(worker.run(devmode=True))
    await asyncio.wait({running, asyncio.ensure_future(registered.wait())}, return_when=asyncio.FIRST_COMPLETED)
    try:
        return await asyncio.wait_for(converse(url, key, secret, agent_name), PATIENCE)
    finally:
        await worker.aclose()
        await asyncio.gather(running, return_exceptions=True)


async def run_both(url: str, key: str, secret: str) -> dict[str, str]:
    """Get a reply from an agent that joins every room, and from one that is dispatched by name."""
    return {name or "any": await run(url, key, secret, name) for name in ("", "helper")}


async def main() -> None:
    if len(sys.argv) > 1:
        result = await run_both(*sys.argv[1:])
    else:
        from livekit.server import DevServer

        async with DevServer(port=0) as server:
            result = await run_both(server.url, server.api_key, server.api_secret)
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main())
