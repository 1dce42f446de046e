"""A sender of transceivers' packets that records them."""

from __future__ import annotations

from livekit.webrtc.rtp.packet import RtpPacket


class RecordingSender:
    """Records packets in place of a :class:`~livekit.webrtc.media_transport.MediaTransport`."""

    def __init__(self) -> None:
        self.packets: list[RtpPacket] = []
        self.serialized: list[tuple[bytes, bytes, int, int]] = []
        self.repeated: list[tuple[bytes, bytes, int, int]] = []

    def send(self, packet: RtpPacket) -> bool:
        self.packets.append(packet)
        return True

    def send_serialized(self, header: bytes, payload: bytes, ssrc: int, sequence_number: int) -> bool:
        self.serialized.append((header, payload, ssrc, sequence_number))
        return True

    def send_again(self, header: bytes, payload: bytes, ssrc: int, sequence_number: int) -> bool:
        self.repeated.append((header, payload, ssrc, sequence_number))
        return True
