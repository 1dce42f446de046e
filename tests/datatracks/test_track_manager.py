"""Data tracks between rooms."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from livekit import (
    DataTrackFrame,
    DataTrackStream,
    E2EEOptions,
    KeyProviderOptions,
    LocalDataTrack,
    PushFrameError,
    RemoteDataTrack,
    Room,
    RoomOptions,
    SimulateScenarioKind,
    SubscribeDataTrackError,
)
from livekit.datatracks.packet import TrackPacket
from livekit.datatracks.track_manager import PUBLISH_TIMEOUT, REPUBLISH_GRACE
from livekit.datatracks.tracks import PublishDataTrackError
from livekit.protocol import models, rtc
from livekit.testing import RoomEnvironment

memory = pytest.mark.parametrize("environment", ["memory"], indirect=True)

WAIT = 20.0
"""Seconds."""


def first_args(room: Room, event: Any) -> asyncio.Queue[Any]:
    """Return a queue of the first argument of each event."""
    queue: asyncio.Queue[Any] = asyncio.Queue()
    room.on(event, queue.put_nowait)
    return queue


async def push_until_read(track: LocalDataTrack, stream: DataTrackStream, payload: bytes = b"x") -> DataTrackFrame:
    """Push frames until one arrives: a subscription takes effect with a delay, and frames may be lost."""
    reading = asyncio.ensure_future(stream.read())
    pushed = 0
    while not reading.done() and pushed < WAIT * 50:
        with contextlib.suppress(PushFrameError):  # after a reconnect the channel opens with a delay
            track.try_push(DataTrackFrame(payload, pushed))
        pushed += 1
        await asyncio.wait({reading}, timeout=0.02)
    frame = await reading
    assert frame is not None
    return frame


async def pair(environment: RoomEnvironment, options: Callable[[], RoomOptions] = RoomOptions) -> tuple[Room, Room]:
    return await environment.join("alice", options=options()), await environment.join("bob", options=options())


async def test_publish_subscribe_and_unpublish(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)
    published, unpublished = first_args(bob, "data_track_published"), first_args(bob, "data_track_unpublished")
    track = await alice.local_participant.publish_data_track(name="position")
    remote = await asyncio.wait_for(published.get(), WAIT)
    assert isinstance(remote, RemoteDataTrack)
    assert (remote.publisher_identity, remote.info.name, remote.info.uses_e2ee) == ("alice", "position", False)
    assert remote.info.sid == track.info.sid
    remote.set_pipeline_options(max_partial_frames=4)
    stream = remote.subscribe()
    frame = await push_until_read(track, stream, bytes(40_000))
    assert frame.payload == bytes(40_000)
    assert frame.user_timestamp is not None

    await track.unpublish()
    assert await asyncio.wait_for(unpublished.get(), WAIT) == remote.info.sid
    assert all([frame.payload == bytes(40_000) async for frame in stream])
    assert not remote.is_published()
    assert not track.is_published()
    with pytest.raises(PushFrameError, match="no longer published"):
        track.try_push(DataTrackFrame(b""))
    with pytest.raises(SubscribeDataTrackError, match="no longer published"):
        await remote.subscribe().read()
    await track.unpublish()


async def test_late_joiner_sees_tracks_and_duplicate_names_are_refused(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    await alice.local_participant.publish_data_track(name="position")
    with pytest.raises(PublishDataTrackError, match="same name"):
        await alice.local_participant.publish_data_track(name="position")
    bob = await environment.join("bob")
    tracks = bob.local_participant._require_context().data_tracks
    assert [track.info.name for track in tracks._remote.values()] == ["position"]
    published = first_args(alice, "data_track_published")
    await bob.local_participant.publish_data_track(name="position")
    assert (await asyncio.wait_for(published.get(), WAIT)).publisher_identity == "bob"


async def test_stream_keeps_the_newest_frames_and_closing_it_unsubscribes(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)
    published = first_args(bob, "data_track_published")
    track = await alice.local_participant.publish_data_track(name="position")
    remote: RemoteDataTrack = await asyncio.wait_for(published.get(), WAIT)
    narrow, wide = remote.subscribe(buffer_size=0), remote.subscribe(buffer_size=100)
    await push_until_read(track, wide)
    for number in range(5):
        remote._state.deliver(bytes((number,)), {})
    assert (await narrow.read() or DataTrackFrame(b"")).payload == b"\x04"
    narrow.close()
    assert await narrow.read() is None
    assert remote._state.buffers == {wide._buffer: None}
    await wide.aclose()
    assert remote._state.buffers == {}


async def test_tracks_survive_a_full_reconnect(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)
    published = first_args(bob, "data_track_published")
    track = await alice.local_participant.publish_data_track(name="position")
    remote: RemoteDataTrack = await asyncio.wait_for(published.get(), WAIT)
    stream, sid = remote.subscribe(), remote.info.sid
    await push_until_read(track, stream)
    for room in (alice, bob):
        reconnected = asyncio.Event()
        room.on("reconnected", reconnected.set)
        await room.simulate_scenario(SimulateScenarioKind.SIMULATE_FULL_RECONNECT)
        await asyncio.wait_for(reconnected.wait(), WAIT)
        await push_until_read(track, stream, b"after")
        assert remote.is_published()
    assert remote.info.sid != sid
    assert published.empty()


async def test_track_not_republished_after_a_full_reconnect_ends(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)
    published, unpublished = first_args(bob, "data_track_published"), first_args(bob, "data_track_unpublished")
    await alice.local_participant.publish_data_track(name="position")
    remote: RemoteDataTrack = await asyncio.wait_for(published.get(), WAIT)
    alice._require_session().data_tracks._local.clear()
    await alice.simulate_scenario(SimulateScenarioKind.SIMULATE_FULL_RECONNECT)
    assert await asyncio.wait_for(unpublished.get(), WAIT) == remote.info.sid
    assert not remote.is_published()


@memory
async def test_frames_are_readable_with_the_right_key_only(environment: RoomEnvironment) -> None:
    def options(key: bytes = b"secret") -> RoomOptions:
        return RoomOptions(encryption=E2EEOptions(KeyProviderOptions(shared_key=key)))

    alice, bob = await pair(environment, options)
    eve = await environment.join("eve", options=options(b"guess"))
    bobs_tracks, eves_tracks = first_args(bob, "data_track_published"), first_args(eve, "data_track_published")
    track = await alice.local_participant.publish_data_track(name="secret")
    remote, unreadable = (
        await asyncio.wait_for(bobs_tracks.get(), WAIT),
        await asyncio.wait_for(eves_tracks.get(), WAIT),
    )
    assert track.info.uses_e2ee
    guessing = unreadable.subscribe()
    assert (await push_until_read(track, remote.subscribe(), b"plain")).payload == b"plain"
    assert not guessing._buffer.frames


async def test_disconnecting_ends_tracks_and_streams(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)
    published = first_args(bob, "data_track_published")
    track = await alice.local_participant.publish_data_track(name="position")
    stream = (await asyncio.wait_for(published.get(), WAIT)).subscribe()
    await bob.disconnect()
    assert await asyncio.wait_for(stream.read(), WAIT) is None
    await alice.disconnect()
    assert not track.is_published()
    with pytest.raises(PublishDataTrackError, match="not connected"):
        await alice.local_participant.publish_data_track(name="x")


@memory
@pytest.mark.parametrize("extension", [b"", bytes(12), bytes(13), b"\x09" + bytes(12), bytes(14)])
async def test_frame_that_cannot_be_decrypted_is_dropped(environment: RoomEnvironment, extension: bytes) -> None:
    alice, bob = await pair(
        environment, lambda: RoomOptions(encryption=E2EEOptions(KeyProviderOptions(shared_key=b"secret")))
    )
    published = first_args(bob, "data_track_published")
    track = await alice.local_participant.publish_data_track(name="secret")
    stream = (await asyncio.wait_for(published.get(), WAIT)).subscribe()
    await push_until_read(track, stream)
    data_tracks = bob._require_session().data_tracks
    (handle,) = data_tracks._subscribed_sids
    stream._buffer.frames.clear()
    data_tracks._on_packet(TrackPacket(handle, 0, 0, 0, b"x", extensions={1: extension}).encode())
    assert not stream._buffer.frames


@memory
async def test_frame_over_the_size_limit_is_refused(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)
    published = first_args(bob, "data_track_published")
    track = await alice.local_participant.publish_data_track(name="position")
    stream = (await asyncio.wait_for(published.get(), WAIT)).subscribe()
    with pytest.raises(PushFrameError, match="a frame of 2200000 bytes is over the limit"):
        track.try_push(DataTrackFrame(bytes(2_200_000)))
    assert (await push_until_read(track, stream)).payload == b"x"


@memory
async def test_push_while_reconnecting_raises(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    track = await alice.local_participant.publish_data_track(name="position")
    track.try_push(DataTrackFrame(b"x"))
    reconnecting, reconnected = asyncio.Event(), asyncio.Event()
    alice.on("reconnecting", reconnecting.set)
    alice.on("reconnected", reconnected.set)
    environment.memory.lose_transport("alice")
    await asyncio.wait_for(reconnecting.wait(), WAIT)
    with pytest.raises(PushFrameError, match="not connected"):
        track.try_push(DataTrackFrame(b"x"))
    await asyncio.wait_for(reconnected.wait(), WAIT)
    assert track.is_published()


@memory
async def test_invalid_packets_are_dropped(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)
    published = first_args(bob, "data_track_published")
    track = await alice.local_participant.publish_data_track(name="position")
    stream = (await asyncio.wait_for(published.get(), WAIT)).subscribe()
    await push_until_read(track, stream)
    stream._buffer.frames.clear()
    for packet in (b"", b"\xff" * 11, TrackPacket(999, 0, 0, 0, b"unknown handle").encode()):
        bob._require_session().data_tracks._on_packet(packet)
    assert not stream._buffer.frames
    assert (await push_until_read(track, stream)).payload == b"x"


@memory
async def test_push_without_a_key_raises(environment: RoomEnvironment) -> None:
    options = RoomOptions(encryption=E2EEOptions(KeyProviderOptions()))
    alice = await environment.join("alice", options=options)
    track = await alice.local_participant.publish_data_track(name="secret")
    with pytest.raises(PushFrameError, match="no encryption key at index 0"):
        track.try_push(DataTrackFrame(b"x"))
    keys = alice.e2ee_manager.key_provider
    assert keys is not None
    keys.set_key("alice", b"hers", 1)
    track.try_push(DataTrackFrame(b"x"))


@memory
async def test_track_that_the_server_unpublishes_ends(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    track = await alice.local_participant.publish_data_track(name="position")
    info = models.DataTrackInfo(pub_handle=1, sid=track.info.sid)
    unpublished = rtc.SignalResponse(unpublish_data_track_response=rtc.UnpublishDataTrackResponse(info=info))
    alice._require_session().on_signal(unpublished)
    assert not track.is_published()
    with pytest.raises(PushFrameError, match="no longer published"):
        track.try_push(DataTrackFrame(b"x"))


@memory
async def test_publish_without_an_answer_times_out(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    await alice.local_participant.publish_data_track(name="first")
    environment.memory.hold("alice")
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(PublishDataTrackError, match="did not answer within 10 s"):
        await alice.local_participant.publish_data_track(name="second")
    assert loop.time() - started == pytest.approx(PUBLISH_TIMEOUT)
    environment.memory.release("alice")


@memory
async def test_disconnecting_fails_pending_publishes(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    await alice.local_participant.publish_data_track(name="first")
    environment.memory.hold("alice")
    publishing = asyncio.ensure_future(alice.local_participant.publish_data_track(name="second"))
    await asyncio.sleep(0)
    disconnecting = asyncio.ensure_future(alice.disconnect())
    with pytest.raises(PublishDataTrackError, match="disconnected before the server answered"):
        await publishing
    environment.memory.release("alice")
    await disconnecting


@memory
async def test_disconnecting_stops_waiting_for_tracks_to_be_republished(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)
    published, unpublished = first_args(bob, "data_track_published"), first_args(bob, "data_track_unpublished")
    await alice.local_participant.publish_data_track(name="position")
    remote: RemoteDataTrack = await asyncio.wait_for(published.get(), WAIT)
    alice._require_session().data_tracks._local.clear()
    await alice.simulate_scenario(SimulateScenarioKind.SIMULATE_FULL_RECONNECT)
    await asyncio.sleep(REPUBLISH_GRACE / 2)
    assert remote.is_published()
    await bob.disconnect()
    assert not remote.is_published()
    await asyncio.sleep(2 * REPUBLISH_GRACE)
    assert unpublished.empty()
