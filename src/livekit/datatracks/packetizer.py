"""Splitting frames into packets. No I/O, no clock."""

from __future__ import annotations

from .packet import TICKS_PER_SECOND, TrackPacket, encode_extensions

MTU = 16_000
"""Maximum size of a packet in bytes, header included."""
HEADER_BYTES = 12
MAX_PACKETS_PER_FRAME = 128
"""Receivers drop frames of more packets."""


class FrameTooLargeError(ValueError):
    """A frame needs more packets than receivers accept."""


class Packetizer:
    """Splits the frames of one track into packets."""

    def __init__(self, handle: int, *, first_tick: int = 0) -> None:
        self._handle = handle
        self._sequence = 0
        self._frame_number = 0
        self._first_tick = first_tick

    def packetize(self, payload: bytes, extensions: dict[int, bytes], now: float) -> list[TrackPacket]:
        """Return the packets of a frame. Raises FrameTooLargeError."""
        capacity = MTU - HEADER_BYTES - len(encode_extensions(extensions))
        pieces = [payload[at : at + capacity] for at in range(0, len(payload), capacity)] or [b""]
        if len(pieces) > MAX_PACKETS_PER_FRAME:
            limit = capacity * MAX_PACKETS_PER_FRAME
            raise FrameTooLargeError(f"a frame of {len(payload)} bytes is over the limit of {limit}")
        timestamp = (self._first_tick + int(now * TICKS_PER_SECOND)) & 0xFFFFFFFF
        packets = [
            TrackPacket(
                handle=self._handle,
                sequence=(self._sequence + index) & 0xFFFF,
                frame_number=self._frame_number,
                timestamp=timestamp,
                payload=piece,
                is_start=index == 0,
                is_final=index == len(pieces) - 1,
                extensions=extensions,
            )
            for index, piece in enumerate(pieces)
        ]
        self._sequence = (self._sequence + len(pieces)) & 0xFFFF
        self._frame_number = (self._frame_number + 1) & 0xFFFF
        return packets
