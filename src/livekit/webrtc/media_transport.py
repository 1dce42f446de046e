"""RTP and RTCP of one peer connection: SRTP with keys from DTLS (RFC 5764), early packets, delivery."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livekit._util.callbacks import ignore

from .dtls import DtlsTransport
from .rtp.packet import RtpError, RtpPacket
from .rtp.rtcp import RtcpPacket, TransportWideFeedback, decode_compound, encode_compound
from .srtp import EXPORTER_LABEL, SrtpError, SrtpProfile, SrtpReceiver, SrtpSender, split_keying_material
from .stream_router import StreamRouter

__all__ = ["MAX_EARLY_PACKETS", "MediaTransport", "PacketCounts"]

logger = logging.getLogger("livekit.webrtc")

MAX_EARLY_PACKETS = 64
"""Packets kept until DTLS has keys: the peer may send media with or right after its last handshake message."""
FIRST_RTCP_TYPE, LAST_RTCP_TYPE = 192, 223
"""The second byte of RTCP packets; RTP payload types 64 to 95 would collide and are not used (RFC 5761 section 4)."""


@dataclass(slots=True)
class PacketCounts:
    """Packets received and dropped, by reason."""

    early: int = 0
    """Before the keys, over `MAX_EARLY_PACKETS`, or without keys at all."""
    rejected: int = 0
    """Malformed, not authentic or replayed."""
    unrouted: int = 0
    """Of no section that receives."""


class MediaTransport:
    """Protects and sends packets, and delivers received ones. Before `connect` and after `close` nothing is sent."""

    def __init__(self, router: StreamRouter, send: Callable[[bytes], bool]) -> None:
        """`send` sends a datagram at once, and returns False if there is no path."""
        self.on_rtcp: Callable[[Sequence[RtcpPacket | TransportWideFeedback]], None] = ignore
        self.dropped = PacketCounts()
        self._router = router
        self._send_datagram = send
        self._sender: SrtpSender | None = None
        self._receiver: SrtpReceiver | None = None
        self._early: list[bytes] | None = []

    def connect(self, dtls: DtlsTransport) -> None:
        """Take the keys of a connected DTLS association and deliver the early packets."""
        early, self._early = self._early or [], None
        name = dtls.srtp_profile
        if not name:
            logger.warning("the peer supports none of our SRTP protection profiles: media cannot be exchanged")
            return
        profile = SrtpProfile(name)
        material = dtls.export_keying_material(EXPORTER_LABEL, profile.keying_material_size)
        outgoing, incoming = split_keying_material(profile, material, is_client=dtls.is_client)
        self._sender, self._receiver = SrtpSender(profile, outgoing), SrtpReceiver(profile, incoming)
        for data in early:
            self.receive(data)

    def close(self) -> None:
        """Drop the keys: nothing is sent or delivered any more."""
        self._sender = self._receiver = self._early = None

    def receive(self, data: bytes) -> None:
        """Process a datagram of RTP or RTCP; one that is malformed, forged or of no section is dropped."""
        receiver = self._receiver
        if receiver is None:
            if self._early is not None and len(self._early) < MAX_EARLY_PACKETS:
                self._early.append(data)
            else:
                self.dropped.early += 1
            return
        try:
            if len(data) > 1 and FIRST_RTCP_TYPE <= data[1] <= LAST_RTCP_TYPE:
                packets = decode_compound(receiver.unprotect_rtcp(data))
            else:
                self._deliver(receiver.receive_rtp(data))
                return
        except (SrtpError, RtpError):
            self.dropped.rejected += 1
            return
        try:
            self.on_rtcp(packets)
        except Exception:
            logger.exception("a callback for RTCP packets failed")

    def _deliver(self, packet: RtpPacket) -> None:
        stream = self._router.route(packet)
        if stream is None:
            self.dropped.unrouted += 1
            return
        try:
            stream[0].on_packet(packet, stream[1])
        except Exception:
            logger.exception("a callback for RTP packets failed")

    def send(self, packet: RtpPacket) -> bool:
        """Protect and send a packet. Return False, and drop it, without keys or a path.

        Raises:
            RtpError: A field is out of its range.
        """
        payload = packet.payload
        if packet.padding_size:
            payload += bytes(packet.padding_size - 1) + bytes([packet.padding_size])
        return self.send_serialized(packet.header(), payload, packet.ssrc, packet.sequence_number)

    def send_serialized(self, header: bytes, payload: bytes, ssrc: int, sequence_number: int) -> bool:
        """Protect and send a packet with a serialized header. Return False, and drop it, without keys or a path."""
        sender = self._sender
        if sender is None:
            return False
        try:
            protected = sender.protect_payload(header, payload, ssrc, sequence_number)
        except SrtpError as error:
            logger.debug("dropped an RTP packet: %s", error)
            return False
        return self._send_datagram(protected)

    def send_again(self, header: bytes, payload: bytes, ssrc: int, sequence_number: int) -> bool:
        """Protect and send a packet that was sent before, unchanged. Return False without keys or a path."""
        sender = self._sender
        if sender is None:
            return False
        protected = sender.protect_again(header, payload, ssrc, sequence_number)
        return protected is not None and self._send_datagram(protected)

    def send_rtcp(self, packets: Sequence[RtcpPacket]) -> bool:
        """Protect and send a compound packet. Return False, and drop it, without keys or a path.

        Raises:
            RtpError: A packet is over a limit of its format.
        """
        sender = self._sender
        if sender is None or not packets:
            return False
        try:
            protected = sender.protect_rtcp(encode_compound(packets))
        except SrtpError as error:
            logger.debug("dropped RTCP packets: %s", error)
            return False
        return self._send_datagram(protected)
