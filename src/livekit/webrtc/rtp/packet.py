"""The RTP packet (RFC 3550 section 5.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from struct import error as StructError  # noqa: N812

__all__ = ["MAX_CSRCS", "RtpError", "RtpPacket", "header_size"]

VERSION = 2
PLAIN = VERSION << 6
"""The first byte of a packet without CSRCs, extension and padding."""
HEADER_SIZE = 12
MAX_CSRCS = 15
_HEADER = Struct("!BBHLL")
_EXTENSION = Struct("!HH")


class RtpError(ValueError):
    """Raised for a malformed RTP or RTCP packet, or for one that cannot be serialized."""


@dataclass(slots=True)
class RtpPacket:
    """An RTP packet."""

    payload_type: int
    """0 to 127."""
    sequence_number: int
    """0 to 65,535."""
    timestamp: int
    """In units of the payload type's clock rate, modulo 2^32."""
    ssrc: int
    payload: bytes = b""
    marker: bool = False
    csrcs: tuple[int, ...] = ()
    extension_profile: int = 0
    """Defines the form of `extension` (RFC 8285); 0 for a packet without a header extension."""
    extension: bytes = b""
    """The header extension's data, a multiple of four bytes."""
    padding_size: int = field(default=0, kw_only=True)
    """Bytes of padding, 0 to 255. A packet of padding only probes the path and carries no media."""

    @classmethod
    def parse(cls, data: bytes) -> RtpPacket:
        """Parse a packet.

        Raises:
            RtpError: It is malformed.
        """
        start = header_size(data)
        return cls.assemble(data, start, data[start:])

    @classmethod
    def assemble(cls, data: bytes, start: int, payload: bytes) -> RtpPacket:
        """Parse the header in `data`, of `start` bytes as `header_size` returns, of a packet with this payload.

        Raises:
            RtpError: The padding, with which the payload ends, is malformed.
        """
        first, second, sequence_number, timestamp, ssrc = _HEADER.unpack_from(data)
        packet = cls(second & 0x7F, sequence_number, timestamp, ssrc, payload, second >= 0x80)
        if first != PLAIN:
            packet._parse_options(data, start, first)
        return packet

    def _parse_options(self, data: bytes, start: int, first: int) -> None:
        csrc_count = first & 0x0F
        if csrc_count:
            self.csrcs = Struct(f"!{csrc_count}L").unpack_from(data, HEADER_SIZE)
        if first & 0x10:
            extension = HEADER_SIZE + 4 * csrc_count
            self.extension_profile = data[extension] << 8 | data[extension + 1]
            self.extension = data[extension + 4 : start]
        if first & 0x20:
            payload = self.payload
            self.padding_size = payload[-1] if payload else 0
            if not 0 < self.padding_size <= len(payload):
                raise RtpError(f"padding of {self.padding_size} bytes does not fit into the RTP packet")
            self.payload = payload[: len(payload) - self.padding_size]

    @property
    def is_padding_only(self) -> bool:
        """True if the packet carries no media, only padding."""
        return not self.payload and self.padding_size > 0

    def header(self) -> bytes:
        """Return the serialized packet without payload and padding.

        Raises:
            RtpError: A field is out of its range.
        """
        has_extension = self.extension_profile or self.extension
        first = VERSION << 6 | bool(self.padding_size) << 5 | bool(has_extension) << 4 | len(self.csrcs)
        if len(self.csrcs) > MAX_CSRCS or self.payload_type > 0x7F:
            raise RtpError(f"at most {MAX_CSRCS} CSRCs and a payload type up to 127 fit into an RTP header")
        try:
            second = self.marker << 7 | self.payload_type
            header = _HEADER.pack(first, second, self.sequence_number, self.timestamp, self.ssrc)
            if self.csrcs:
                header += Struct(f"!{len(self.csrcs)}L").pack(*self.csrcs)
            if has_extension:
                header += _EXTENSION.pack(self.extension_profile, len(self.extension) // 4)
        except StructError as error:
            raise RtpError(f"a field of an RTP header is out of its range: {error}") from None
        if len(self.extension) % 4:
            raise RtpError(f"a header extension of {len(self.extension)} bytes is not a multiple of four")
        return header + self.extension

    def serialize(self) -> bytes:
        """Return the packet as bytes.

        Raises:
            RtpError: A field is out of its range.
        """
        if not 0 <= self.padding_size <= 255:
            raise RtpError(f"padding must have 0 to 255 bytes, not {self.padding_size}")
        padding = bytes(self.padding_size - 1) + bytes([self.padding_size]) if self.padding_size else b""
        return self.header() + self.payload + padding


def header_size(packet: bytes) -> int:
    """Return the bytes of a packet before its payload: fixed header, CSRCs and extension.

    Raises:
        RtpError: It is not RTP version 2, or shorter than its header.
    """
    size = len(packet)
    if size < HEADER_SIZE or packet[0] >> 6 != VERSION:
        raise RtpError(f"{size} bytes are not an RTP packet of version {VERSION}")
    csrc_count = packet[0] & 0x0F
    end = HEADER_SIZE + 4 * csrc_count
    if end > size:
        raise RtpError(f"an RTP packet of {size} bytes has no room for {csrc_count} CSRCs")
    if packet[0] & 0x10:
        if end + 4 > size:
            raise RtpError("the header extension of an RTP packet is cut off")
        extension_size = 4 * (packet[end + 2] << 8 | packet[end + 3])
        end += 4 + extension_size
        if end > size:
            raise RtpError(f"a header extension of {extension_size} bytes does not fit into the RTP packet")
    return end
