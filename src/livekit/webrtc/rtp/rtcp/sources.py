"""Source description and goodbye (RFC 3550 sections 6.5 and 6.6)."""

from __future__ import annotations

from dataclasses import dataclass

from livekit.webrtc.rtp.packet import RtpError

from .common import MAX_COUNT, PacketType, rtcp_packet

__all__ = ["Goodbye", "SourceDescription"]

CNAME = 1
"""The only item that WebRTC peers need; others are skipped."""
MAX_TEXT = 255


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """Canonical names of sources."""

    cnames: tuple[tuple[int, str], ...]
    """SSRC and CNAME; the name is empty for a chunk without one."""

    @classmethod
    def decode(cls, body: bytes, count: int) -> SourceDescription:
        """Decode the packet's body with `count` chunks. Raises RtpError."""
        cnames: list[tuple[int, str]] = []
        position = 0
        for _ in range(count):
            if position + 4 > len(body):
                raise RtpError("a source description is cut off")
            ssrc = int.from_bytes(body[position : position + 4], "big")
            name, position = _decode_items(body, position + 4)
            cnames.append((ssrc, name))
        return cls(tuple(cnames))

    def encode(self) -> bytes:
        """Return the packet as bytes. Raises RtpError if there are too many chunks or a name is too long."""
        if len(self.cnames) > MAX_COUNT:
            raise RtpError(f"a source description has at most {MAX_COUNT} chunks, not {len(self.cnames)}")
        return rtcp_packet(
            PacketType.SOURCE_DESCRIPTION,
            len(self.cnames),
            b"".join(_encode_chunk(ssrc, name) for ssrc, name in self.cnames),
        )


def _decode_items(body: bytes, position: int) -> tuple[str, int]:
    """Return the CNAME of the chunk whose items start at `position`, and where the next chunk starts."""
    name = ""
    while position < len(body) and body[position]:
        end = position + 2 + body[position + 1] if position + 1 < len(body) else len(body) + 1
        if end > len(body):
            raise RtpError("an item of a source description is cut off")
        if body[position] == CNAME:
            name = body[position + 2 : end].decode(errors="replace")
        position = end
    return name, (position + 4) & ~3  # at least one zero byte ends the list, padded to 32 bits


def _encode_chunk(ssrc: int, name: str) -> bytes:
    text = name.encode()
    if len(text) > MAX_TEXT:
        raise RtpError(f"a CNAME has at most {MAX_TEXT} bytes, not {len(text)}")
    chunk = ssrc.to_bytes(4, "big") + bytes([CNAME, len(text)]) + text
    return chunk + bytes(4 - len(chunk) % 4)


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The end of sources."""

    ssrcs: tuple[int, ...]

    @classmethod
    def decode(cls, body: bytes, count: int) -> Goodbye:
        """Decode the packet's body with `count` sources; a reason is ignored. Raises RtpError."""
        if 4 * count > len(body):
            raise RtpError("a goodbye is cut off")
        return cls(tuple(int.from_bytes(body[start : start + 4], "big") for start in range(0, 4 * count, 4)))

    def encode(self) -> bytes:
        """Return the packet as bytes. Raises RtpError if there are too many sources."""
        if len(self.ssrcs) > MAX_COUNT:
            raise RtpError(f"a goodbye has at most {MAX_COUNT} sources, not {len(self.ssrcs)}")
        body = b"".join(ssrc.to_bytes(4, "big") for ssrc in self.ssrcs)
        return rtcp_packet(PacketType.GOODBYE, len(self.ssrcs), body)
