from __future__ import annotations

from livekit.server.media.retransmission import (
    MAX_ATTEMPTS,
    MAX_LOST,
    RETRY_INTERVAL,
    LostPackets,
    PacketBuffer,
)
from tests.server.media.media_packets import video


def test_packet_is_requested_a_few_times() -> None:
    lost = LostPackets()
    lost.add(range(70_000, 70_002), 0.0)
    assert lost.poll(0.0) == [70_000 - 65_536, 70_001 - 65_536]
    lost.discard(70_000)
    requests = [lost.poll(RETRY_INTERVAL * attempt) for attempt in range(1, 10)]
    assert requests == [[70_001 - 65_536]] * (MAX_ATTEMPTS - 1) + [[]] * (10 - MAX_ATTEMPTS)
    assert not len(lost)


def test_lost_packets_are_bounded() -> None:
    lost = LostPackets()
    lost.add(range(10 * MAX_LOST), 0.0)
    assert lost.poll(0.0) == list(range(9 * MAX_LOST, 10 * MAX_LOST))


def test_buffer_keeps_the_last_packets() -> None:
    buffer = PacketBuffer(8)
    packets = [video(number) for number in range(12)]
    for position, packet in enumerate(packets):
        if position != 6:
            buffer.add(position, packet)
    kept = [buffer.get(position) for position in range(-1, 14)]
    assert kept == [None] * 5 + packets[4:6] + [None] + packets[7:] + [None, None]
