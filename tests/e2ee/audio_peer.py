# mypy: ignore-errors
# pyright: basic, reportOptionalMemberAccess=false
"""A participant with encrypted audio, of this package or of the official SDK, driven by lines of JSON.

Usage: audio_peer.py URL TOKEN OPTIONS. It publishes a tone if OPTIONS has `publish`, and hears the others. `key` is the
shared key; null for keys of participants, absent for a room without encryption. Each command is answered by one line.
"""

from __future__ import annotations

import array
import asyncio
import json
import math
import sys

from livekit import rtc

RATE, SIZE, FREQUENCY, AMPLITUDE = 48_000, 480, 500, 8000


class Peer:
    def __init__(self, options) -> None:
        self.options = options
        self.room = rtc.Room()
        self.states: list[tuple[str, str]] = []
        self.frames: list[array.array] = []
        self.tasks: list[asyncio.Task] = []
        self.track = None
        self.room.on("e2ee_state_changed", self._on_state)
        self.room.on("track_subscribed", lambda track, *_: self._start(self._hear(track)))

    async def join(self, url, token) -> None:
        options = rtc.RoomOptions(auto_subscribe=True)
        if "key" in self.options:
            key = self.options["key"]
            provider = rtc.KeyProviderOptions(shared_key=None if key is None else key.encode())
            options.encryption = rtc.E2EEOptions(key_provider_options=provider)
        await self.room.connect(url, token, options=options)
        if self.options.get("publish"):
            source = rtc.AudioSource(RATE, 1, 100)
            self._start(self._play(source))
            self.track = rtc.LocalAudioTrack.create_audio_track("tone", source)
            await self.room.local_participant.publish_track(self.track)

    async def leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.room.disconnect()

    async def run(self, do, **arguments):
        """Run a command and return its result."""
        return await getattr(self, f"do_{do}")(**arguments)

    async def do_listen(self, seconds):
        """Return the share of frames with the tone, and the loudest other sound."""
        self.frames.clear()
        await asyncio.sleep(seconds)
        sine, cosine = (
            [math.sin(2 * math.pi * FREQUENCY * n / RATE + phase) for n in range(SIZE)] for phase in (0, math.pi / 2)
        )
        tones, noise = 0, 0.0
        for samples in self.frames:
            level = (
                2
                / SIZE
                * math.hypot(*(sum(a * b for a, b in zip(samples, wave, strict=True)) for wave in (sine, cosine)))
            )
            if 0.7 < level / AMPLITUDE < 1.3:
                tones += 1
            else:
                noise = max(noise, math.sqrt(sum(sample * sample for sample in samples) / SIZE))
        return {"tone": tones / max(len(self.frames), 1), "noise": noise}

    async def do_shared_key(self, key, index):
        self._keys().set_shared_key(key.encode(), index)

    async def do_key(self, identity, key, index):
        self._keys().set_key(identity, key.encode(), index)

    async def do_ratchet(self, index):
        self._keys().ratchet_shared_key(index)

    async def do_index(self, index):
        for cryptor in self.room.e2ee_manager.frame_cryptors():
            if cryptor.participant_identity == self.room.local_participant.identity:
                cryptor.set_key_index(index)

    async def do_enable(self, enabled):
        for cryptor in self.room.e2ee_manager.frame_cryptors():
            if cryptor.participant_identity == self.room.local_participant.identity:
                cryptor.set_enabled(enabled)

    async def do_mute(self, muted):
        (self.track.mute if muted else self.track.unmute)()

    async def do_states(self):
        """Return the changes of others' encryption since the last call."""
        states, self.states = self.states, []
        own = self.room.local_participant.identity
        return {"others": [s for who, s in states if who != own], "own": [s for who, s in states if who == own]}

    def _keys(self):
        return self.room.e2ee_manager.key_provider

    def _on_state(self, participant, state) -> None:
        self.states.append((participant.identity, rtc.EncryptionState.Name(state)))

    def _start(self, work) -> None:
        self.tasks.append(asyncio.ensure_future(work))

    async def _play(self, source) -> None:
        tone = array.array("h", (round(AMPLITUDE * math.sin(2 * math.pi * FREQUENCY * n / RATE)) for n in range(SIZE)))
        frame = rtc.AudioFrame(tone.tobytes(), RATE, 1, SIZE)
        while True:
            await source.capture_frame(frame)

    async def _hear(self, track) -> None:
        async for event in rtc.AudioStream.from_track(track=track, sample_rate=RATE, num_channels=1):
            self.frames.append(array.array("h", event.frame.data))


async def main() -> None:
    url, token, options = sys.argv[1:]
    peer = Peer(json.loads(options))
    await peer.join(url, token)
    result: object = "joined"
    while True:
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()
        line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        if not line:
            break
        result = await peer.run(**json.loads(line))
    await peer.leave()


if __name__ == "__main__":
    asyncio.run(main())
