"""Recording of a participant's audio, for `livekit record`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from typing import TYPE_CHECKING, cast

from livekit import AudioStream, TrackKind, TrackSource

from .exits import CommandError, ExitCode
from .membership import joined
from .output import clock, note, printable, report, to_json
from .requests import absence
from .wav import WavWriter

if TYPE_CHECKING:
    from livekit import RemoteParticipant, RemoteTrack, RemoteTrackPublication, Room
    from livekit.backend.twirp import TwirpEndpoint
    from livekit.events import EventEmitter

FRAME_MS = 20


async def record(endpoint: TwirpEndpoint, args: argparse.Namespace) -> ExitCode:
    """Record until the participant leaves, the duration, SIGINT or SIGTERM.

    Raises:
        CommandError: joining failed, the room was disconnected, or there was no audio to record.
        OSError: the file cannot be written.
    """
    with contextlib.ExitStack() as files:
        recorder: Recorder | None = None
        async with joined(endpoint, args.room, args.identity, "recorder") as membership:
            if membership is None:
                return ExitCode.INTERRUPTED
            recorder = Recorder(membership.room, args, files)
            try:
                finished = await membership.finishes(recorder.run())
            finally:
                recorder.finish()
        if not finished and not recorder.seconds:
            return ExitCode.INTERRUPTED
    return ExitCode.DONE


class Recorder:
    """Records the audio of one participant, of one track after the other."""

    def __init__(self, room: Room, args: argparse.Namespace, files: contextlib.ExitStack) -> None:
        self._room = room
        self._args = args
        self._files = files
        self._writer: WavWriter | None = None
        self._changed = asyncio.Event()
        self._waiting_for = ""
        for event in (
            *("participant_connected", "participant_disconnected", "track_published", "track_unpublished"),
            *("track_subscribed", "track_unsubscribed", "reconnected"),
        ):
            cast("EventEmitter[str]", room).on(event, self._wake)

    def _wake(self, *_: object) -> None:
        self._changed.set()

    @property
    def seconds(self) -> float:
        """The duration of the recording."""
        return self._writer.seconds if self._writer else 0.0

    async def run(self) -> None:
        """Record until the participant leaves, or for the duration. Raises CommandError if there is no audio."""
        try:
            track = await asyncio.wait_for(self._next_track(), self._args.timeout)
        except asyncio.TimeoutError:
            raise CommandError(f"{self._absence()} within {self._args.timeout:g} s", ExitCode.TIMEOUT) from None
        while track is not None and not await self._record(track):
            track = await self._next_track()
        if self._writer is None:
            raise CommandError(f"{self._args.sender!r} left without audio", ExitCode.NOT_FOUND)

    async def _next_track(self) -> RemoteTrack | None:
        """Subscribe to the participant's track and return it; return None once the participant, seen before, left."""
        was_present = self._writer is not None
        while True:
            self._changed.clear()
            participant = self._room.remote_participants.get(self._args.sender)
            publication = None if participant is None else self._choose(participant)
            if participant is None and was_present:
                return None
            was_present = participant is not None
            if publication is None:
                self._note_wait()
            elif publication.track is not None:
                return publication.track
            elif not publication.subscribed:
                publication.set_subscribed(True)
            await self._changed.wait()

    def _choose(self, participant: RemoteParticipant) -> RemoteTrackPublication | None:
        tracks = [item for item in participant.track_publications.values() if item.kind == TrackKind.KIND_AUDIO]
        if self._args.source:
            wanted = TrackSource.Value(f"SOURCE_{self._args.source.upper()}")
            return next((item for item in tracks if item.source == wanted), None)
        return min(tracks, key=lambda item: item.source != TrackSource.SOURCE_MICROPHONE, default=None)

    async def _record(self, track: RemoteTrack) -> bool:
        """Write a track to the file until it ends; return True once the duration is reached or the file is full."""
        writer = self._open()
        args = self._args
        limit = None if args.duration is None else round(args.duration.total_seconds() * args.rate)
        stream = AudioStream.from_track(
            track=track, sample_rate=args.rate, num_channels=args.channels, frame_size_ms=FRAME_MS
        )
        try:
            async for event in stream:
                left = None if limit is None else limit - round(writer.seconds * args.rate)
                writer.write(event.frame.data.cast("B")[: None if left is None else left * 2 * args.channels])
                if round(writer.seconds * args.rate) % args.rate < event.frame.samples_per_channel:
                    writer.flush()
                if (left is not None and left <= event.frame.samples_per_channel) or writer.is_full:
                    return True
        finally:
            await stream.aclose()
        return False

    def _open(self) -> WavWriter:
        if self._writer is None:
            args = self._args
            try:
                file = self._files.enter_context(args.file.open("wb"))
            except OSError as error:
                raise CommandError(f"cannot write {str(args.file)!r}: {error.strerror}") from error
            self._writer = WavWriter(file, args.rate, args.channels)
            note(f"Recording {args.sender!r} to {str(args.file)!r}; Ctrl-C ends it.")
        return self._writer

    def finish(self) -> None:
        """Complete the file and print its length."""
        if self._writer is None:
            return
        self._writer.flush()
        args = self._args
        if args.json:
            report(to_json({"file": str(args.file), "from": args.sender, "seconds": round(self.seconds, 3)}))
        else:
            report(f"Recorded {clock(self.seconds)} of {args.sender!r} to {str(args.file)!r}.")

    # Waiting

    def _absence(self) -> str:
        present = sorted(self._room.remote_participants)
        if self._args.sender not in present:
            return absence(self._args.sender, self._args.room, present)
        kind = f"audio track of source {self._args.source}" if self._args.source else "audio track"
        return f"{self._args.sender!r} has no {kind}"

    def _note_wait(self) -> None:
        if self._absence() != self._waiting_for:
            self._waiting_for = self._absence()
            note(f"livekit: waiting: {printable(self._waiting_for)}")
