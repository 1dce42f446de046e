"""Payload types from one section to another: a codec has the number that its own section negotiated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from livekit.webrtc.codec_matching import is_same_codec
from livekit.webrtc.media_interfaces import Codec
from livekit.webrtc.rtp.packet import RtpError
from livekit.webrtc.rtp.red import decode_red

__all__ = ["PayloadRoute", "route_payload_types"]

RED = "red"
OPUS = "opus"
PayloadRoute = tuple[int, Callable[[bytes], bytes] | None]
"""The outgoing payload type, and the function that converts the payload, if it must be converted; the function raises
RtpError for a malformed payload."""


def route_payload_types(source: Sequence[Codec], target: Sequence[Codec]) -> Mapping[int, PayloadRoute]:
    """Return how each payload type of `source` is sent to a receiver with the codecs `target`.

    A payload type without an entry cannot be forwarded. RED is unwrapped if the receiver has only the codec inside.
    """
    routes: dict[int, PayloadRoute] = {}
    for codec in source:
        match = _find(codec, target)
        if codec.name.lower() == RED:
            route = _route_red(codec, match, source, target)
            if route is not None:
                routes[codec.payload_type] = route
        elif match is not None:
            routes[codec.payload_type] = (match.payload_type, None)
    return routes


def _route_red(
    codec: Codec, match: Codec | None, source: Sequence[Codec], target: Sequence[Codec]
) -> PayloadRoute | None:
    inner = next((other for other in source if other.name.lower() == OPUS), None)
    outer = None if inner is None else _find(inner, target)
    if match is None:
        return None if outer is None else (outer.payload_type, _unwrap)
    if inner is None or outer is None or inner.payload_type == outer.payload_type:
        return match.payload_type, None
    return match.payload_type, _renaming(outer.payload_type)


def _find(codec: Codec, candidates: Sequence[Codec]) -> Codec | None:
    """Return the candidate that is the same codec; else one that differs in its profile only."""
    by_name = (other for other in candidates if other.name.lower() == codec.name.lower())
    same = [other for other in by_name if (other.clock_rate, other.channels) == (codec.clock_rate, codec.channels)]
    return next((other for other in same if is_same_codec(codec, other)), same[0] if same else None)


def _unwrap(payload: bytes) -> bytes:
    """Return the primary block of a RED payload."""
    return decode_red(payload)[-1].payload


def _renaming(payload_type: int) -> Callable[[bytes], bytes]:
    """Return a function that puts `payload_type` into the block headers of a RED payload (RFC 2198 section 3)."""

    def rename(payload: bytes) -> bytes:
        renamed = bytearray(payload)
        position, size = 0, len(payload)
        while position < size and renamed[position] & 0x80:
            renamed[position] = 0x80 | payload_type
            position += 4
        if position >= size:
            raise RtpError("a RED payload lacks its primary block")
        renamed[position] = payload_type
        return bytes(renamed)

    return rename
