from __future__ import annotations

import asyncio

from livekit.engine.track_channel import MAX_TRACK_BUFFERED, TrackChannel
from tests.engine.fake_peer import FakePeer


async def test_channel_is_opened_once_and_awaited() -> None:
    peer = FakePeer()
    tracks = TrackChannel(peer, lambda _: None)
    await tracks.wait_open()  # not requested
    assert tracks.open() is not None
    assert tracks.open() is None
    waiting = asyncio.ensure_future(tracks.wait_open())
    await asyncio.sleep(0)
    assert not waiting.done()
    peer.channels[0].on_open()
    peer.channels[0].on_open()
    await asyncio.wait_for(waiting, 1)
    assert [channel.label for channel in peer.channels] == ["_data_track"]


async def test_send_requires_an_open_channel_with_room() -> None:
    peer = FakePeer()
    tracks = TrackChannel(peer, lambda _: None)
    assert not tracks.send(b"no channel")
    tracks.open()
    assert not tracks.send(b"closed")
    channel = peer.channels[0]
    channel.is_open = True
    assert tracks.send(b"open")
    assert not tracks.send(bytes(100_000)), "over the channel's limit"
    while channel.buffered_amount <= MAX_TRACK_BUFFERED:
        assert tracks.send(bytes(60_000))
    assert not tracks.send(b"full")


async def test_received_packets_are_passed_on() -> None:
    peer, received = FakePeer(), list[bytes]()
    tracks = TrackChannel(peer, received.append)
    tracks.open()
    peer.channels[0].on_message(b"packet")
    assert received == [b"packet"]
