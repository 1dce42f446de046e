"""Repeated publishing, subscribing and unpublishing leaks nothing, in the client and in the embedded server."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from pathlib import Path

import pytest

from livekit import AudioSource, AudioStream, LocalAudioTrack, RemoteAudioTrack, Room
from livekit.media.audio.receiver import AudioReceiver
from livekit.media.audio.sender import AudioSender
from livekit.server import DevServer, limits
from livekit.server.media.published_stream import PublishedStream
from livekit.server.media.published_track import PublishedTrack
from livekit.server.media.track_streams import TrackStreams
from tests.support.leaks import Resources
from tests.support.rooms import Join

CYCLES = 1000
WARM_UP = 50
"""Cycles until everything allocated only once has been allocated."""
MAX_GROWTH = 4 << 20
"""Bytes by which the resident set may grow, client and server together."""
LINGERING = 20
"""Objects of the last cycles, which end a little later."""
PAGE = 4096
PATIENCE = 30.0
CLIENT = (AudioSource, AudioStream, LocalAudioTrack, RemoteAudioTrack, AudioReceiver, AudioSender)
CLASSES = (*CLIENT, PublishedTrack, TrackStreams, PublishedStream)


def alive() -> Counter[str]:
    gc.collect()
    return Counter(type(thing).__name__ for thing in gc.get_objects() if issubclass(type(thing), CLASSES))


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


async def cycle(speaker: Room, listener: Room) -> None:
    """Publish a track, hear it, and unpublish it."""
    subscribed: asyncio.Future[RemoteAudioTrack] = asyncio.get_running_loop().create_future()
    unpublished = asyncio.Event()

    def hear(track: RemoteAudioTrack, *_: object) -> None:
        subscribed.set_result(track)

    heard_by = listener.once("track_subscribed", hear)
    ended_by = listener.once("track_unpublished", lambda *_: unpublished.set())
    source = AudioSource(48_000, 1)
    track = LocalAudioTrack.create_audio_track("tone", source)
    publication = await speaker.local_participant.publish_track(track)
    stream = AudioStream.from_track(track=await asyncio.wait_for(subscribed, PATIENCE))
    await asyncio.wait_for(anext(stream), PATIENCE)
    await speaker.local_participant.unpublish_track(publication.sid)
    await asyncio.wait_for(unpublished.wait(), PATIENCE)
    await stream.aclose()
    await source.aclose()
    del heard_by, ended_by


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_publishing_a_thousand_times_leaks_nothing(
    server: DevServer, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_OFFERS_PER_SECOND", 1000)
    speaker, listener = await join("speaker"), await join("listener")
    for _ in range(WARM_UP):
        await cycle(speaker, listener)
    before, objects, memory = Resources.now(), alive(), resident()
    for _ in range(CYCLES - WARM_UP):
        await cycle(speaker, listener)
    await before.assert_restored()
    assert sum((alive() - objects).values()) <= LINGERING
    assert resident() - memory < MAX_GROWTH
