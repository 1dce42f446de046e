"""Sealed frames of LiveKit: which bytes stay in the clear, and what follows the ciphertext.

    clear bytes | ciphertext | tag (16) | IV (12) | 0x0c | key index

The clear bytes are the associated data of AES-GCM. They let a packetizer and a server see the kind of the frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from .emulation_prevention import escape, unescape
from .keys import IV_BYTES, TAG_BYTES

__all__ = ["H264", "OPUS", "VP8", "FrameFormat", "SealedFrame"]

_TRAILER_BYTES = IV_BYTES + 2
_OPUS_SILENCE = b"\xf8\xff\xfe"
_H264_START_CODE = b"\x00\x00\x01"
_H264_SLICES = (1, 5)
_H264_CLEAR_SLICE_BYTES = 2


class SealedFrame(NamedTuple):
    """The parts of a sealed frame."""

    clear: bytes
    ciphertext: bytes
    """With the tag at its end."""
    iv: bytes
    key_index: int


def opus_clear_bytes(frame: bytes) -> int:
    """Return 1: the table-of-contents byte (RFC 6716 section 3.1)."""
    return 1


def vp8_clear_bytes(frame: bytes) -> int:
    """Return the size of the uncompressed header of a VP8 frame (RFC 6386 section 9.1): 10 in a key frame, else 3."""
    return 3 if frame[:1] and frame[0] & 1 else 10


def h264_clear_bytes(frame: bytes) -> int:
    """Return the bytes up to and with the first two of the first slice in an Annex B frame; 0 if it has no slice."""
    start = frame.find(_H264_START_CODE)
    while start >= 0:
        header = start + len(_H264_START_CODE)
        if header < len(frame) and frame[header] & 0x1F in _H264_SLICES:
            return header + _H264_CLEAR_SLICE_BYTES
        start = frame.find(_H264_START_CODE, header)
    return 0


def is_opus_silence(frame: bytes) -> bool:
    """Return True for 20 ms of digital silence, padded with zeros or not."""
    return frame.startswith(_OPUS_SILENCE) and not frame[len(_OPUS_SILENCE) :].strip(b"\0")


def _is_never_blank(frame: bytes) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class FrameFormat:
    """The layout of a codec's encrypted frames."""

    clear_bytes: Callable[[bytes], int]
    """Returns the number of bytes at a frame's start that are not encrypted."""
    is_blank: Callable[[bytes], bool] = _is_never_blank
    """Returns True for frames that a server may insert: silence."""
    escaped: bool = False
    """True if ciphertext, IV and trailer get emulation prevention."""

    def join(self, sealed: SealedFrame) -> bytes | None:
        """Serialize a sealed frame; return None if receivers could not read this IV."""
        tail = sealed.iv + bytes((IV_BYTES, sealed.key_index))
        body = sealed.ciphertext + tail
        if self.escaped:
            body = escape(body)
            if not body.endswith(tail):  # receivers read the IV before they undo the escapes
                return None
        return sealed.clear + body

    def split(self, frame: bytes) -> SealedFrame | None:
        """Parse a frame; return None if it is not sealed."""
        if len(frame) < _TRAILER_BYTES + TAG_BYTES or frame[-2] != IV_BYTES:
            return None
        size = self.clear_bytes(frame)
        body = unescape(frame[size:]) if self.escaped else frame[size:]
        if len(body) < TAG_BYTES + _TRAILER_BYTES:
            return None
        return SealedFrame(frame[:size], body[:-_TRAILER_BYTES], frame[-_TRAILER_BYTES:-2], frame[-1])


OPUS = FrameFormat(opus_clear_bytes, is_opus_silence)
VP8 = FrameFormat(vp8_clear_bytes)
H264 = FrameFormat(h264_clear_bytes, escaped=True)
