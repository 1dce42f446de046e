from __future__ import annotations

import pytest

from livekit.datatracks.errors import PushFrameError
from livekit.datatracks.frames import DataTrackFrame, FrameBuffer
from livekit.datatracks.packet import TIMESTAMP_EXTENSION
from livekit.datatracks.track_state import DataTrackInfo, LocalTrackState, RemoteTrackState

INFO = DataTrackInfo("DTR_1", "position", uses_e2ee=False)


def test_unpublished_track_rejects_frames_and_unpublishes_once() -> None:
    pushed: list[DataTrackFrame] = []
    unpublished: list[None] = []
    track = LocalTrackState(INFO, pushed.append, lambda: unpublished.append(None))
    track.push(DataTrackFrame(b"x"))
    track.unpublish()
    track.is_published = False
    track.unpublish()
    with pytest.raises(PushFrameError, match="'position' is no longer published"):
        track.push(DataTrackFrame(b"y"))
    assert pushed == [DataTrackFrame(b"x")]
    assert unpublished == [None]


def remote_track() -> tuple[RemoteTrackState, list[bool]]:
    subscriptions: list[bool] = []
    track = RemoteTrackState(INFO, "alice", "PA_1", lambda track, subscribe: subscriptions.append(subscribe))
    return track, subscriptions


async def test_first_buffer_subscribes_and_last_one_unsubscribes() -> None:
    track, subscriptions = remote_track()
    one, two = FrameBuffer(1), FrameBuffer(1)
    track.subscribe(one)
    track.subscribe(two)
    track.unsubscribe(one)
    track.unsubscribe(one)
    assert subscriptions == [True]
    track.unsubscribe(two)
    assert subscriptions == [True, False]


async def test_frames_are_delivered_to_all_buffers() -> None:
    track, _ = remote_track()
    buffers = [FrameBuffer(1), FrameBuffer(1)]
    for buffer in buffers:
        track.subscribe(buffer)
    track.deliver(b"x", {TIMESTAMP_EXTENSION: (7).to_bytes(8, "big")})
    assert [await buffer.read() for buffer in buffers] == [DataTrackFrame(b"x", 7)] * 2
    track.deliver(b"y", {})
    assert await buffers[0].read() == DataTrackFrame(b"y", None)


async def test_end_of_a_track_ends_its_buffers_without_unsubscribing() -> None:
    track, subscriptions = remote_track()
    buffer = FrameBuffer(1)
    track.subscribe(buffer)
    track.end()
    assert await buffer.read() is None
    track.unsubscribe(buffer)
    assert not track.is_published
    assert subscriptions == [True]
