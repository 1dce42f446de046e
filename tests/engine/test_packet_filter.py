from __future__ import annotations

from collections.abc import Iterator

from livekit.engine.interfaces import LOSSY, RELIABLE, PacketStream, SendOptions
from livekit.engine.packet_filter import PacketFilter
from livekit.protocol import models
from tests.engine.recording_listener import packet


class RecordingSender:
    def __init__(self) -> None:
        self.sent: list[tuple[bytes, SendOptions]] = []

    def send_packet(self, packet: models.DataPacket, options: SendOptions = RELIABLE) -> None:
        self.sent.append((packet.user.payload, options))

    def send_packets(self, packets: Iterator[models.DataPacket], options: SendOptions = RELIABLE) -> PacketStream:
        for each in packets:
            self.send_packet(each, options)
        return self

    def cancel(self) -> None:
        self.sent.clear()


def upper(original: models.DataPacket) -> models.DataPacket:
    return packet(original.user.payload.upper())


def test_single_packets_and_streams_are_transformed_and_keep_their_options() -> None:
    sender, options = RecordingSender(), SendOptions(on_delivered=lambda: None)
    upper_case = PacketFilter(sender, upper)
    upper_case.send_packet(packet(b"a"))
    upper_case.send_packet(packet(b"b"), LOSSY)
    upper_case.send_packets(iter([packet(b"c"), packet(b"d")]), options)
    assert sender.sent == [(b"A", RELIABLE), (b"B", LOSSY), (b"C", options), (b"D", options)]
