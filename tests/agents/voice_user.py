# mypy: ignore-errors
# pyright: basic, reportMissingModuleSource=false, reportMissingImports=false, reportAttributeAccessIssue=false
"""A user who talks to the agent of voice_agent.py: speaks, interrupts the reply, and hears the next one to its end.

Prints one line of JSON: when the agent was heard, in seconds from the start.

Usage: voice_user.py URL TOKEN. Needs this package or the official `livekit`.
"""

from __future__ import annotations

import array
import asyncio
import json
import math
import sys
import time

from livekit import rtc

RATE, SIZE = 48_000, 480
OWN, AGENT = 300, 700
"""Hz of the user's and of the agent's voice."""
PATIENCE = 30.0
HANGOVER = 0.25
"""Seconds of silence that end the agent's sound."""


class Voice:
    """Sends a tone while `speaking`, silence otherwise."""

    def __init__(self) -> None:
        self.source = rtc.AudioSource(RATE, 1, 100)
        self.speaking = False
        self._silence = rtc.AudioFrame.create(RATE, 1, SIZE)
        tone = array.array("h", (round(8000 * math.sin(2 * math.pi * OWN * n / RATE)) for n in range(SIZE)))
        self._tone = rtc.AudioFrame(tone.tobytes(), RATE, 1, SIZE)

    async def run(self) -> None:
        while True:
            await self.source.capture_frame(self._tone if self.speaking else self._silence)

    async def speak(self, seconds: float) -> None:
        self.speaking = True
        await asyncio.sleep(seconds)
        self.speaking = False


class Ear:
    """Hears the agent's tone."""

    def __init__(self) -> None:
        self.edges: list[tuple[float, bool]] = []
        self._loud = False
        self._last_loud = 0.0
        self._changed = asyncio.Event()

    async def run(self, track) -> None:
        waves = [[math.sin(2 * math.pi * AGENT * n / RATE + phase) for n in range(SIZE)] for phase in (0, math.pi / 2)]
        async for event in rtc.AudioStream.from_track(track=track, sample_rate=RATE, num_channels=1):
            samples, now = event.frame.data, time.monotonic()
            level = 2 / SIZE * math.hypot(*(sum(a * b for a, b in zip(samples, wave, strict=True)) for wave in waves))
            if level > 2000:
                self._last_loud = now
            if (now - self._last_loud < HANGOVER) is not self._loud:
                self._loud = not self._loud
                self.edges.append((now if self._loud else self._last_loud, self._loud))
                self._changed.set()

    async def until(self, loud: bool) -> float:
        """Wait until the agent is heard, or not any more; return when."""
        while self._loud is not loud:
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), PATIENCE)
        return self.edges[-1][0]


async def main() -> None:
    url, token = sys.argv[1:]
    room, voice, ear = rtc.Room(), Voice(), Ear()
    tasks = [asyncio.ensure_future(voice.run())]
    is_listening = asyncio.Event()

    def check(*_: object) -> None:
        if any(one.attributes.get("lk.agent.state") == "listening" for one in room.remote_participants.values()):
            is_listening.set()

    room.on("participant_connected", check)
    room.on("participant_attributes_changed", check)
    room.on("track_subscribed", lambda track, *_: tasks.append(asyncio.ensure_future(ear.run(track))))
    await room.connect(url, token)
    track = rtc.LocalAudioTrack.create_audio_track("voice", voice.source)
    await room.local_participant.publish_track(track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE))
    check()
    await asyncio.wait_for(is_listening.wait(), PATIENCE)
    await voice.speak(1.0)
    spoke = time.monotonic()
    heard = await ear.until(True)
    await asyncio.sleep(1.5)
    interrupted = time.monotonic()
    await voice.speak(1.0)
    silent = await ear.until(False)
    again = await ear.until(True)
    finished = await ear.until(False)
    await room.disconnect()
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    errors = [repr(result) for result in results if not isinstance(result, asyncio.CancelledError) and result]
    result = {
        "answer": heard - spoke,
        "silence": silent - interrupted,
        "next": again - interrupted,
        "length": finished - again,
        "sounds": sum(loud for _, loud in ear.edges),
        "errors": errors,
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main())
