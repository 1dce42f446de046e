"""Key frames: their detection in RTP payloads, and the requests for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

__all__ = ["KeyFrameRequests", "starts_key_frame"]

LOW_LAYER_INTERVAL: Final = 0.5
"""Seconds between two requests for the lowest layer of simulcast, as livekit-server 1.13.5 has it."""
INTERVAL: Final = 1.0
"""Seconds between two requests for any other stream."""


class KeyFrameRequests:
    """Repeats a request until a key frame arrives: one that is sent before the transport is connected is lost."""

    def __init__(self, interval: float = INTERVAL) -> None:
        """`interval` is the shortest time between two requests, in seconds."""
        self.interval = interval
        self.pending = False
        """True from a request until a key frame arrives."""
        self._next = 0.0

    def request(self) -> None:
        """Want a key frame."""
        self.pending = True

    def receive_key_frame(self) -> None:
        """Note the arrival of a key frame."""
        self.pending = False

    def poll(self, now: float) -> bool:
        """Return True if a request must be sent now."""
        if not self.pending or now < self._next:
            return False
        self._next = now + self.interval
        return True


def starts_key_frame(codec: str, payload: bytes) -> bool:
    """Return True if an RTP payload of a video codec starts a key frame; True for an unknown codec.

    `codec` is the encoding name of a=rtpmap, in any case.
    """
    detect = _DETECTORS.get(codec.upper())
    return detect is None or detect(payload)


def _vp8(payload: bytes) -> bool:
    """Look into the payload header behind the descriptor (RFC 7741 sections 4.2 and 4.3)."""
    if not payload or not payload[0] & 0x10 or payload[0] & 0x07:  # the start of the first partition
        return False
    position = 1
    if payload[0] & 0x80 and len(payload) > 1:
        flags = payload[1]
        position = 2
        if flags & 0x80:  # a picture id of one or two bytes
            position += 2 if position < len(payload) and payload[position] & 0x80 else 1
        position += bool(flags & 0x40) + bool(flags & 0x30)
    return position < len(payload) and not payload[position] & 0x01


def _vp9(payload: bytes) -> bool:
    """Look at the flags: no inter-picture prediction, and the start of a frame (RFC 9628 section 4.2)."""
    if not payload or payload[0] & 0x40 or not payload[0] & 0x08:
        return False
    if not payload[0] & 0x20:  # no layer indices
        return True
    position = 1
    if payload[0] & 0x80:
        position += 2 if len(payload) > 1 and payload[1] & 0x80 else 1
    return position < len(payload) and not payload[position] >> 1 & 0x07  # the lowest spatial layer


def _h264(payload: bytes) -> bool:
    """Look for parameter sets or an IDR slice (RFC 6184 section 5.2)."""
    kind = payload[0] & 0x1F if payload else 0
    if kind == 24:  # STAP-A
        position = 1
        while position + 2 < len(payload):
            if payload[position + 2] & 0x1F in (5, 7):
                return True
            position += 2 + int.from_bytes(payload[position : position + 2], "big")
        return False
    if kind == 28:  # the first fragment of FU-A
        return len(payload) > 1 and payload[1] & 0x9F == 0x85
    return kind in (5, 7)


def _h265(payload: bytes) -> bool:
    """Look for parameter sets or an intra random access picture (RFC 7798 section 4.4)."""
    kind = payload[0] >> 1 & 0x3F if payload else 0
    if kind == 48 and len(payload) > 4:  # an aggregation packet
        kind = payload[4] >> 1 & 0x3F
    elif kind == 49:  # the first fragment
        return len(payload) > 2 and bool(payload[2] & 0x80) and 16 <= payload[2] & 0x3F <= 21
    return 16 <= kind <= 21 or 32 <= kind <= 33


def _av1(payload: bytes) -> bool:
    """Look at the flag of a new coded video sequence (AV1 RTP specification section 4.4)."""
    return bool(payload) and bool(payload[0] & 0x08)


_DETECTORS: Mapping[str, Callable[[bytes], bool]] = {
    "VP8": _vp8,
    "VP9": _vp9,
    "H264": _h264,
    "H265": _h265,
    "AV1": _av1,
}
