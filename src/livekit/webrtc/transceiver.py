"""One media section of a peer connection (W3C RTCRtpTransceiver)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from livekit._util.callbacks import ignore

from .media_interfaces import Codec, Direction, MediaKind, MediaStreamId
from .media_sections import RemoteMedia
from .rtp.packet import RtpPacket

__all__ = ["PacketSender", "RtcTransceiver"]


class PacketSender(Protocol):
    """What sends the packets of a peer connection's transceivers."""

    def send(self, packet: RtpPacket) -> bool:
        """Encrypt and send a packet."""
        ...

    def send_serialized(self, header: bytes, payload: bytes, ssrc: int, sequence_number: int) -> bool:
        """Encrypt and send a packet whose header is serialized."""
        ...

    def send_again(self, header: bytes, payload: bytes, ssrc: int, sequence_number: int) -> bool:
        """Encrypt and send a packet that was sent before."""
        ...


class RtcTransceiver:
    """A :class:`~livekit.webrtc.media_interfaces.Transceiver`."""

    def __init__(
        self,
        kind: MediaKind,
        direction: Direction,
        codecs: Sequence[Codec],
        extensions: Sequence[str],
        sender: PacketSender,
    ) -> None:
        self.on_packet: Callable[[RtpPacket, str], None] = ignore
        self.direction = direction
        self.stream_id: MediaStreamId | None = None
        self.codecs = codecs
        self.extensions = extensions
        self.kind = kind
        self.mid: str | None = None
        self.index: int | None = None
        """Position of the section in descriptions; None without one."""
        self.ssrc = secrets.randbelow((1 << 32) - 1) + 1
        self.current_direction: Direction | None = None
        self.current_codecs: Sequence[Codec] = ()
        self.current_extensions: Mapping[str, int] = {}
        """Negotiated identifiers of header extensions by URI."""
        self.remote: RemoteMedia | None = None
        """The section in the peer's last description."""
        self._sender = sender

    @property
    def remote_direction(self) -> Direction:
        return Direction.INACTIVE if self.remote is None else self.remote.direction

    @property
    def remote_stream_id(self) -> MediaStreamId | None:
        return None if self.remote is None else self.remote.stream_id

    @property
    def remote_codecs(self) -> Sequence[Codec]:
        return () if self.remote is None else self.remote.codecs

    @property
    def remote_rids(self) -> Sequence[str]:
        return () if self.remote is None else self.remote.rids

    def send(self, packet: RtpPacket) -> bool:
        """Encrypt and send a packet now; see :class:`~livekit.webrtc.media_interfaces.Transceiver`."""
        return self._sender.send(packet)

    def send_serialized(self, header: bytes, payload: bytes, sequence_number: int) -> bool:
        """Encrypt and send a packet; see :class:`~livekit.webrtc.media_interfaces.Transceiver`."""
        return self._sender.send_serialized(header, payload, _ssrc(header), sequence_number)

    def send_again(self, header: bytes, payload: bytes, sequence_number: int) -> bool:
        """Repeat a packet; see :class:`~livekit.webrtc.media_interfaces.Transceiver`."""
        return self._sender.send_again(header, payload, _ssrc(header), sequence_number)

    def extension_id(self, uri: str) -> int | None:
        """Return the negotiated identifier of a header extension; None if it was not negotiated."""
        return self.current_extensions.get(uri)


def _ssrc(header: bytes) -> int:
    """Return a serialized header's ssrc, under which SRTP protects it; the transceiver may have another one by now."""
    return int.from_bytes(header[8:12], "big")
