"""Buffers of outbound packets and their limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livekit.server import limits
from livekit.server.packet_buffers import PACKET_OVERHEAD, OutboundPacket, ResendBuffer, WaitingPackets
from tests.server.recording_link import join, make_rooms, user_packet


def test_drain_yields_waiting_packets_once_in_order() -> None:
    waiting = WaitingPackets()
    packets = [OutboundPacket(b"%d" % number, "PA_1", number) for number in range(3)]
    assert all(waiting.add(packet) for packet in packets)
    assert list(waiting.drain()) == packets
    assert list(waiting.drain()) == []


def test_waiting_packets_are_bounded() -> None:
    waiting = WaitingPackets()
    half = OutboundPacket(bytes(limits.MAX_WAITING_BACKLOG // 2 - PACKET_OVERHEAD), "PA_1", 1)
    assert [waiting.add(half) for _ in range(3)] == [True, True, False]
    assert len(list(waiting.drain())) == 2
    assert waiting.add(half)


def test_missing_compares_sequence_per_sender() -> None:
    sent = ResendBuffer()
    for sender in ("PA_1", "PA_2"):
        for sequence in (1, 2, 3):
            sent.add(OutboundPacket(b"x", sender, sequence), 0.0)
    missing = sent.missing({"PA_1": 2, "PA_3": 9}, 1.0)
    assert [(packet.sender_sid, packet.sequence) for packet in missing] == [
        ("PA_1", 3),
        ("PA_2", 1),
        ("PA_2", 2),
        ("PA_2", 3),
    ]


def test_missing_skips_old_and_unnumbered_packets() -> None:
    sent = ResendBuffer()
    sent.add(OutboundPacket(b"old", "PA_1", 1), 0.0)
    sent.add(OutboundPacket(b"unnumbered", "PA_1", 0), 10.0)
    sent.add(OutboundPacket(b"new", "PA_1", 2), 10.0)
    assert [packet.data for packet in sent.missing({}, limits.RESEND_WINDOW + 1.0)] == [b"new"]


@given(sizes=st.lists(st.integers(0, limits.RESEND_BUFFER // 2), max_size=20))
def test_resend_buffer_never_exceeds_limit(sizes: list[int]) -> None:
    sent = ResendBuffer()
    for number, size in enumerate(sizes, 1):
        sent.add(OutboundPacket(bytes(size), "PA_1", number), 0.0)
    kept = sent.missing({}, 0.0)
    assert sum(packet.size for packet in kept) <= limits.RESEND_BUFFER
    assert [packet.sequence for packet in kept] == list(range(len(sizes) - len(kept) + 1, len(sizes) + 1))


def test_tick_expires_resend_buffer() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.send(user_packet(b"hello", sequence=1))
    assert bob.participant.resend_bytes > 0
    rooms.tick(limits.RESEND_WINDOW - 1.0)
    assert bob.participant.resend_bytes > 0
    rooms.tick(limits.RESEND_WINDOW + 1.0)
    assert bob.participant.resend_bytes == 0
