"""Frames cut into packets, and put together again. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from .packet import TICKS_PER_SECOND, TrackPacket, encode_extensions

MTU = 16_000
"""Bytes of a packet, header included."""
HEADER = 12
MAX_PIECES = 128
"""Packets of one frame; a frame of more is dropped by its receivers."""
DEFAULT_PARTIAL_FRAMES = 1


class FrameTooLargeError(ValueError):
    """A frame has more packets than receivers put together."""


class Packetizer:
    """Cuts the frames of one track."""

    def __init__(self, handle: int, *, first_tick: int = 0) -> None:
        self._handle = handle
        self._sequence = 0
        self._frame_number = 0
        self._first_tick = first_tick

    def packetize(self, payload: bytes, extensions: dict[int, bytes], now: float) -> list[TrackPacket]:
        """Raises FrameTooLargeError."""
        room = MTU - HEADER - len(encode_extensions(extensions))
        pieces = [payload[at : at + room] for at in range(0, len(payload), room)] or [b""]
        if len(pieces) > MAX_PIECES:
            raise FrameTooLargeError(f"a frame of {len(payload)} bytes is over the limit of {room * MAX_PIECES}")
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


@dataclass
class _Partial:
    first: int
    """The sequence of the first packet."""
    extensions: dict[int, bytes]
    pieces: dict[int, bytes] = field(default_factory=dict[int, bytes])
    """By distance from the first one."""
    count: int | None = None
    """How many there are, once the last has come."""


class Depacketizer:
    """Puts the frames of one track together; what stays incomplete when newer ones come is dropped."""

    def __init__(self) -> None:
        self.max_partial_frames = DEFAULT_PARTIAL_FRAMES
        self._partials: dict[int, _Partial] = {}

    def push(self, packet: TrackPacket) -> tuple[bytes, dict[int, bytes]] | None:
        """A frame and its extensions, if this packet completes one."""
        if packet.is_start:
            while len(self._partials) >= self.max_partial_frames:
                del self._partials[next(iter(self._partials))]
            if packet.is_final:
                return packet.payload, packet.extensions
            self._partials[packet.frame_number] = _Partial(packet.sequence, packet.extensions)
        partial = self._partials.get(packet.frame_number)
        if partial is None:
            return None
        place = (packet.sequence - partial.first) & 0xFFFF
        if place >= MAX_PIECES:
            del self._partials[packet.frame_number]
            return None
        partial.pieces[place] = packet.payload
        if packet.is_final:
            partial.count = place + 1
        if partial.count is None or len(partial.pieces) < partial.count:
            return None
        del self._partials[packet.frame_number]
        return b"".join(partial.pieces[place] for place in sorted(partial.pieces)), partial.extensions
