from __future__ import annotations

import asyncio
import gc
from random import Random

import pytest

from livekit.testing import Faults, VirtualClock
from livekit.testing.memory_link import MemoryLink
from livekit.testing.memory_peer import CONSENT_TIMEOUT, MemoryChannel, MemoryPeer
from livekit.webrtc import ChannelError, ChannelOptions, DataChannel, PeerConnection, PeerState
from livekit.webrtc.sctp import MAX_MESSAGE_SIZE

RELIABLE = ChannelOptions(label="_reliable")


class Pair:
    """Two peers with a data channel between them; `local` sends the offer and creates the channel."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.local, self.remote = MemoryPeer(), MemoryPeer(MemoryLink(lambda: self.faults, Random(0)))
        self.states: list[tuple[str, PeerState]] = []
        self.opened: list[DataChannel] = []
        self.local.on_state = lambda state: self.states.append(("local", state))
        self.remote.on_state = lambda state: self.states.append(("remote", state))
        self.remote.on_channel = self.opened.append
        self.channel = self.local.create_channel(RELIABLE)

    async def connect(self) -> Pair:
        await self.local.accept_answer(await self.remote.accept_offer(await self.local.create_offer()))
        await asyncio.sleep(1)
        return self


def test_peers_and_channels_implement_the_interfaces() -> None:
    peer: PeerConnection = MemoryPeer()
    channel: DataChannel = MemoryChannel(RELIABLE)
    assert peer.state is PeerState.NEW
    assert channel.label == "_reliable"


async def test_both_peers_connect_and_open_the_channel(clock: VirtualClock) -> None:
    unconnected = Pair(Faults(delay=0.1))
    assert not unconnected.channel.is_open
    assert unconnected.local.round_trip_time is None
    pair = await unconnected.connect()
    assert pair.states == [
        ("local", PeerState.CONNECTING),
        ("remote", PeerState.CONNECTED),
        ("local", PeerState.CONNECTED),
    ]
    assert pair.channel.is_open
    assert [channel.label for channel in pair.opened] == ["_reliable"]
    assert pair.local.round_trip_time == pytest.approx(0.2)


async def test_messages_in_both_directions(clock: VirtualClock) -> None:
    pair = await Pair().connect()
    received: list[bytes] = []
    pair.opened[0].on_message = received.append
    pair.channel.on_message = received.append
    pair.channel.send(b"up")
    pair.opened[0].send(b"down")
    assert not received
    await asyncio.sleep(0.1)
    assert sorted(received) == [b"down", b"up"]


async def test_delivery_is_confirmed_after_a_round_trip(clock: VirtualClock) -> None:
    pair = await Pair(Faults(delay=0.5)).connect()
    confirmed: list[float] = []
    before = clock.elapsed
    pair.channel.send(b"x", lambda: confirmed.append(clock.elapsed - before))
    await asyncio.sleep(5)
    assert confirmed == pytest.approx([1.0])


async def test_a_message_over_the_size_limit_is_refused(clock: VirtualClock) -> None:
    pair = await Pair().connect()
    with pytest.raises(ChannelError, match="over the limit"):
        pair.channel.send(bytes(MAX_MESSAGE_SIZE + 1))
    pair.channel.send(bytes(MAX_MESSAGE_SIZE))


async def test_on_buffered_amount_low_is_called_at_the_threshold(clock: VirtualClock) -> None:
    pair = await Pair(Faults(bandwidth=1000)).connect()
    low: list[int] = []
    pair.channel.buffered_amount_low_threshold = 300
    pair.channel.on_buffered_amount_low = lambda: low.append(pair.channel.buffered_amount)
    for _ in range(10):
        pair.channel.send(bytes(100))
    assert pair.channel.buffered_amount == 1000
    await asyncio.sleep(5)
    assert low == [300]
    assert pair.channel.buffered_amount == 0


async def test_a_channel_created_after_connecting_opens(clock: VirtualClock) -> None:
    pair = await Pair().connect()
    later = pair.local.create_channel(ChannelOptions(label="later"))
    await asyncio.sleep(0.1)
    assert later.is_open
    assert [channel.label for channel in pair.opened] == ["_reliable", "later"]


async def test_repeated_offer_is_idempotent(clock: VirtualClock) -> None:
    pair = await Pair().connect()
    pair.states.clear()
    await pair.connect()
    assert not pair.states
    assert len(pair.opened) == 1


async def test_closing_fails_the_remote_peer(clock: VirtualClock) -> None:
    pair = await Pair().connect()
    closed: list[str] = []
    pair.channel.on_close = lambda: closed.append("local")
    pair.opened[0].on_close = lambda: closed.append("remote")
    await pair.local.close()
    await pair.local.close()
    assert (pair.local.state, closed) == (PeerState.CLOSED, ["local"])
    await asyncio.sleep(1)
    assert (pair.remote.state, closed) == (PeerState.FAILED, ["local", "remote"])
    with pytest.raises(ChannelError, match="not open"):
        pair.channel.send(b"x")


async def test_closing_cancels_connecting(clock: VirtualClock) -> None:
    pair = Pair(Faults(setup=5.0))
    await pair.connect()
    await pair.local.close()
    await asyncio.sleep(10)
    assert pair.local.state is PeerState.CLOSED
    assert not pair.opened


async def test_failing_ends_both_peers(clock: VirtualClock) -> None:
    pair = await Pair().connect()
    pair.local.fail()
    assert (pair.local.state, pair.remote.state) == (PeerState.FAILED, PeerState.FAILED)
    assert not pair.channel.is_open


async def test_broken_path_fails_after_the_consent_timeout(clock: VirtualClock) -> None:
    pair = await Pair().connect()
    received: list[bytes] = []
    pair.opened[0].on_message = received.append
    pair.remote.break_path()
    pair.channel.send(b"x")
    await asyncio.sleep(CONSENT_TIMEOUT - 0.5)
    assert pair.local.state is PeerState.CONNECTED
    await asyncio.sleep(1)
    assert (pair.local.state, pair.remote.state) == (PeerState.FAILED, PeerState.FAILED)
    assert not received


async def test_an_unknown_description_is_refused(clock: VirtualClock) -> None:
    collected = await MemoryPeer().create_offer()
    gc.collect()
    for sdp in ("v=0", collected):
        with pytest.raises(ValueError, match="not the session description"):
            await MemoryPeer().accept_offer(sdp)
