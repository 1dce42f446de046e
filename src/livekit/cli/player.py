"""Playing of a WAV file into a room, for `livekit play`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

from livekit import AudioFrame, AudioSource, LocalAudioTrack, TrackPublishOptions, TrackSource
from livekit.media.publisher import PublishTrackError

from .exits import CommandError, ExitCode
from .membership import Membership, joined
from .output import clock, note, report, to_json
from .wav import WavReader

if TYPE_CHECKING:
    from livekit import LocalTrackPublication
    from livekit.backend.twirp import TwirpEndpoint

BLOCK = 0.1
"""Seconds that are captured at once."""
SUBSCRIPTION_WAIT = 2.0
"""Seconds to wait for the first subscriber, where there are other participants."""
SETTLE = 0.25
"""Seconds from the subscription until playing, in which the receiver gets ready; the start would be lost else."""
LINGER = 0.5
"""Seconds until leaving, in which the end reaches the others."""
PROGRESS_INTERVAL = 10.0
"""Seconds of audio between lines of progress; a terminal shows each second."""


async def play(endpoint: TwirpEndpoint, args: argparse.Namespace, wav: WavReader) -> ExitCode:
    """Play a file into a room; return INTERRUPTED for SIGINT or SIGTERM before its end, except with --loop.

    Raises:
        CommandError: joining or publishing failed, or the room was disconnected.
    """
    async with joined(endpoint, args.room, args.identity, "player") as membership:
        if membership is None:
            return ExitCode.INTERRUPTED
        player = Player(membership, wav, args)
        finished = await membership.finishes(player.run())
        player.show_end()
    return ExitCode.DONE if finished or args.loop else ExitCode.INTERRUPTED


class Player:
    """Plays a file as a track, and prints how far it is."""

    def __init__(self, membership: Membership, wav: WavReader, args: argparse.Namespace) -> None:
        self._membership = membership
        self._wav = wav
        self._args = args
        self._source = AudioSource(wav.sample_rate, wav.channels)
        self._captured = 0.0
        self._shown = 0.0

    async def run(self) -> None:
        """Publish the track and play the file to its end."""
        try:
            publication = await self._publish()
            self._show_start(publication.sid)
            if self._membership.room.remote_participants:
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(publication.wait_for_subscription(), SUBSCRIPTION_WAIT)
                    await asyncio.sleep(SETTLE)
            await self._capture()
            await self._source.wait_for_playout()
            await asyncio.sleep(LINGER)
        finally:
            await self._source.aclose()

    async def _publish(self) -> LocalTrackPublication:
        track = LocalAudioTrack.create_audio_track(self._args.name or self._args.file.name, self._source)
        source = TrackSource.Value(f"SOURCE_{self._args.source.upper()}")
        try:
            return await self._membership.room.local_participant.publish_track(
                track, TrackPublishOptions(source=source)
            )
        except PublishTrackError as error:
            raise CommandError(f"the track was not published: {error.message}") from error

    async def _capture(self) -> None:
        wav = self._wav
        size = max(int(wav.sample_rate * BLOCK), 1)
        while True:
            samples = wav.read(size)
            if not samples:
                if not self._args.loop:
                    return
                wav.rewind()
                continue
            frame = AudioFrame(samples, wav.sample_rate, wav.channels, len(samples) // (2 * wav.channels))
            await self._source.capture_frame(frame)
            self._captured += frame.duration
            self._show_progress()

    # Output

    @property
    def _played(self) -> float:
        """Seconds."""
        return max(self._captured - self._source.queued_duration, 0.0)

    def _show_start(self, sid: str) -> None:
        wav, room = self._wav, self._membership.name
        if self._args.json:
            fields = {"event": "playing", "room": room, "identity": self._membership.identity, "track": sid}
            form = {"sample_rate": wav.sample_rate, "channels": wav.channels, "seconds": round(wav.duration, 3)}
            report(to_json({**fields, **form}))
            return
        channels = "stereo" if wav.channels == 2 else "mono"
        report(
            f"Playing {self._args.file.name!r} ({clock(wav.duration)}, {wav.sample_rate} Hz, {channels}) "
            f"as {self._membership.identity!r} in {room!r}."
        )

    def _show_progress(self) -> None:
        """Show each second on a terminal, in place; each 10 s, on a line, elsewhere."""
        is_terminal = sys.stderr.isatty()
        if self._played - self._shown < (1.0 if is_terminal else PROGRESS_INTERVAL):
            return
        self._shown = self._played
        end = "" if self._args.loop else f" of {clock(self._wav.duration)}"
        note(f"{clock(self._played)}{end}", in_place=is_terminal)

    def show_end(self) -> None:
        """Print how much was played."""
        if self._args.json:
            report(to_json({"event": "played", "seconds": round(self._played, 3)}))
        else:
            report(f"Played {clock(self._played)}.")
