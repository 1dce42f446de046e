"""Reassembling frames from packets. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from .packet import TrackPacket
from .packetizer import MAX_PACKETS_PER_FRAME

DEFAULT_PARTIAL_FRAMES = 1


@dataclass
class _PartialFrame:
    first_sequence: int
    extensions: dict[int, bytes]
    pieces: dict[int, bytes] = field(default_factory=dict[int, bytes])
    """Payloads by offset from the first sequence number."""
    packet_count: int | None = None
    """Known once the final packet has arrived."""


class Depacketizer:
    """Reassembles the frames of one track. Incomplete frames are dropped when newer ones arrive.

    The first packet of a frame must arrive before its other packets; these may be reordered.
    """

    def __init__(self) -> None:
        self.max_partial_frames = DEFAULT_PARTIAL_FRAMES
        self._partial_frames: dict[int, _PartialFrame] = {}
        """Incomplete frames by frame number, oldest first."""

    def push(self, packet: TrackPacket) -> tuple[bytes, dict[int, bytes]] | None:
        """Return the payload and extensions of the frame that this packet completes, or None."""
        if packet.is_start:
            while len(self._partial_frames) >= self.max_partial_frames:
                del self._partial_frames[next(iter(self._partial_frames))]
            if packet.is_final:
                return packet.payload, packet.extensions
            self._partial_frames[packet.frame_number] = _PartialFrame(packet.sequence, packet.extensions)
        frame = self._partial_frames.get(packet.frame_number)
        if frame is None:
            return None
        offset = (packet.sequence - frame.first_sequence) & 0xFFFF
        if offset >= MAX_PACKETS_PER_FRAME:
            del self._partial_frames[packet.frame_number]
            return None
        frame.pieces[offset] = packet.payload
        if packet.is_final:
            frame.packet_count = offset + 1
        if frame.packet_count is None or len(frame.pieces) < frame.packet_count:
            return None
        del self._partial_frames[packet.frame_number]
        return b"".join(frame.pieces[offset] for offset in sorted(frame.pieces)), frame.extensions
