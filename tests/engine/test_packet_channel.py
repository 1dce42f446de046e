from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.engine.interfaces import SendOptions
from livekit.engine.packet_channel import MAX_PACKET_SIZE, PacketChannel
from livekit.engine.packet_queue import HIGH_WATER
from livekit.engine.sequencer import MAX_SEQUENCE_SIZE
from livekit.errors import PacketTooLargeError
from livekit.protocol import models
from tests.engine.fake_channel import FakeChannel
from tests.engine.recording_listener import packet


def sent_packets(channel: FakeChannel) -> list[tuple[int, bytes]]:
    """Return sequence number and payload of each packet sent on a channel."""
    packets = [models.DataPacket.FromString(data) for data in channel.sent]
    return [(arrived.sequence, arrived.user.payload) for arrived in packets]


class PacketEnds:
    """A packet channel and the newest pair of data channels it was attached to."""

    def __init__(self) -> None:
        self.delivered: list[bytes] = []
        self.packets = PacketChannel(lambda arrived: self.delivered.append(arrived.user.payload))
        self.reliable = self.lossy = FakeChannel()

    def attach(self, max_message_size: int = 65_536) -> None:
        self.reliable, self.lossy = FakeChannel("_reliable"), FakeChannel("_lossy")
        self.packets.attach(self.reliable, self.lossy, max_message_size)

    def send(self, payload: bytes, reliable: bool = True) -> None:
        self.packets.send(packet(payload), SendOptions(reliable))


def test_only_reliable_packets_are_numbered() -> None:
    ends = PacketEnds()
    ends.attach()
    ends.send(b"1")
    ends.send(b"2", reliable=False)
    ends.send(b"3")
    assert sent_packets(ends.reliable) == [(1, b"1"), (2, b"3")]
    assert sent_packets(ends.lossy) == [(0, b"2")]
    assert models.DataPacket.FromString(ends.lossy.sent[0]).kind == models.DataPacket.Kind.LOSSY


def test_new_connection_retransmits_unacknowledged_packets_first() -> None:
    ends = PacketEnds()
    ends.attach()
    ends.send(b"acknowledged")
    ends.reliable.acknowledge()
    ends.send(b"unacknowledged")
    ends.packets.detach()
    ends.send(b"queued")
    ends.attach()
    assert sent_packets(ends.reliable) == [(2, b"unacknowledged"), (3, b"queued")]


def test_delivery_over_the_second_connection_is_reported_once() -> None:
    ends = PacketEnds()
    delivered: list[bool] = []
    ends.attach()
    ends.packets.send(packet(b"x"), SendOptions(on_delivered=lambda: delivered.append(True)))
    ends.packets.detach()
    ends.attach()
    assert not delivered
    ends.reliable.acknowledge()
    assert delivered == [True]


def test_resume_retransmits_acknowledged_packets_that_the_server_lacks() -> None:
    ends = PacketEnds()
    ends.attach()
    for number in range(1, 5):
        ends.send(b"%d" % number)
    ends.reliable.acknowledge()
    ends.send(b"in flight")
    ends.packets.resumed(2)
    assert sent_packets(ends.reliable)[5:] == [(3, b"3"), (4, b"4")]


def test_reattaching_the_same_channel_retransmits_nothing() -> None:
    ends = PacketEnds()
    ends.attach()
    ends.send(b"in flight")
    ends.packets.detach()
    ends.send(b"queued")
    ends.packets.attach(ends.reliable, ends.lossy, 65_536)
    assert sent_packets(ends.reliable) == [(1, b"in flight"), (2, b"queued")]


async def test_received_duplicates_are_dropped() -> None:
    ends = PacketEnds()
    for sequence in (1, 2, 2, 1, 3):
        arrived = models.DataPacket(
            sequence=sequence, participant_sid="PA_1", user=models.UserPacket(payload=b"%d" % sequence)
        )
        ends.packets.receive(arrived.SerializeToString())
    assert ends.delivered == [b"1", b"2", b"3"]
    (state,) = ends.packets.receive_states()
    assert (state.publisher_sid, state.last_seq) == ("PA_1", 3)


async def test_flush_waits_until_the_last_packet_is_acknowledged() -> None:
    ends = PacketEnds()
    await ends.packets.flush()
    ends.attach()
    delivered: list[bool] = []
    ends.packets.send(packet(b"1"), SendOptions(on_delivered=lambda: delivered.append(True)))
    arrived = asyncio.ensure_future(ends.packets.flush())
    await asyncio.sleep(0)
    ends.packets.send(packet(b"2"), SendOptions(on_delivered=lambda: delivered.append(True)))
    ends.reliable.acknowledge()
    await asyncio.wait_for(arrived, 1)
    assert delivered == [True, True]


async def test_flush_waits_for_queued_packets() -> None:
    ends = PacketEnds()
    ends.attach()
    for number in range(3):
        ends.send(bytes(HIGH_WATER) + b"%d" % number)
    arrived = asyncio.ensure_future(ends.packets.flush())
    for count in range(1, 4):
        await asyncio.sleep(0)
        assert not arrived.done()
        assert len(ends.reliable.sent) == count
        ends.reliable.drain()
        ends.reliable.acknowledge(1)
    await asyncio.wait_for(arrived, 1)


async def test_flush_waits_for_the_acknowledgement_of_the_second_connection() -> None:
    ends = PacketEnds()
    ends.attach()
    ends.send(b"unacknowledged")
    arrived = asyncio.ensure_future(ends.packets.flush())
    await asyncio.sleep(0)
    ends.packets.detach()
    ends.reliable.acknowledge()
    await asyncio.sleep(0)
    assert not arrived.done()
    ends.attach()
    ends.reliable.acknowledge()
    await asyncio.wait_for(arrived, 1)


@pytest.mark.parametrize("smallest", [MAX_PACKET_SIZE, 1000])
def test_packet_limit_is_the_smaller_of_the_peers_and_ours(smallest: int) -> None:
    ends = PacketEnds()
    ends.attach(max_message_size=smallest)
    overhead = len(packet(b"x" * 900).SerializeToString()) - 900
    fits = smallest - MAX_SEQUENCE_SIZE - overhead - 8
    ends.send(b"x" * fits)
    with pytest.raises(PacketTooLargeError):
        ends.send(b"x" * (fits + 32))
    assert len(ends.reliable.sent) == 1
    assert len(ends.reliable.sent[0]) <= smallest


@given(st.binary(max_size=200))
def test_any_bytes_are_delivered_or_dropped(data: bytes) -> None:
    arrived: list[models.DataPacket] = []
    channel = PacketChannel(arrived.append)
    try:
        expected = models.DataPacket.FromString(data)
    except Exception:
        channel.receive(data)
        assert not arrived
        return
    if not expected.sequence:  # numbered ones need the clock of a loop
        channel.receive(data)
        assert arrived == [expected]
