"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from livekit.webrtc.rtp.packet import RtpError

__all__ = ["TransportWideFeedback"]

HEADER_SIZE = 16
MAX_PACKETS = 4096
"""Packets per report; 20 times what a report each 100 ms describes at 20 Mbit/s."""
REFERENCE_UNIT = 0.064
"""Seconds per unit of the reference time."""
DELTA_UNIT = 0.000_25
"""Seconds per unit of a receive delta."""
NOT_RECEIVED, SMALL_DELTA, LARGE_DELTA = 0, 1, 2


@dataclass(frozen=True, kw_only=True, slots=True)
class TransportWideFeedback:
    """When packets arrived, by their transport-wide sequence numbers."""

    sender_ssrc: int
    media_ssrc: int
    feedback_count: int
    """Counts the reports, modulo 256."""
    arrivals: tuple[tuple[int, float | None], ...]
    """Sequence number and arrival in seconds of the receiver's clock; None for a packet that did not arrive."""

    @classmethod
    def decode(cls, body: bytes) -> TransportWideFeedback:
        """Decode the packet's body. Raises RtpError."""
        if len(body) < HEADER_SIZE:
            raise RtpError("transport-wide feedback is cut off")
        first, count = int.from_bytes(body[8:10], "big"), int.from_bytes(body[10:12], "big")
        if count > MAX_PACKETS:
            raise RtpError(f"transport-wide feedback on {count} packets is over the limit of {MAX_PACKETS}")
        statuses, position = _statuses(body, count)
        time = int.from_bytes(body[12:15], "big", signed=True) * REFERENCE_UNIT
        arrivals: list[tuple[int, float | None]] = []
        for offset, status in enumerate(statuses):
            size = status if status in (SMALL_DELTA, LARGE_DELTA) else 0
            if position + size > len(body):
                raise RtpError("the receive deltas of transport-wide feedback are cut off")
            if size:
                delta = int.from_bytes(body[position : position + size], "big", signed=size == LARGE_DELTA)
                time += delta * DELTA_UNIT
                position += size
            arrivals.append(((first + offset) & 0xFFFF, time if size else None))
        return cls(
            sender_ssrc=int.from_bytes(body[:4], "big"),
            media_ssrc=int.from_bytes(body[4:8], "big"),
            feedback_count=body[15],
            arrivals=tuple(arrivals),
        )


def _statuses(body: bytes, count: int) -> tuple[list[int], int]:
    """Return the status of `count` packets, and where the receive deltas start."""
    statuses: list[int] = []
    position = HEADER_SIZE
    while len(statuses) < count:
        if position + 2 > len(body):
            raise RtpError("the status chunks of transport-wide feedback are cut off")
        statuses += _chunk_statuses(int.from_bytes(body[position : position + 2], "big"), count - len(statuses))
        position += 2
    return statuses[:count], position


def _chunk_statuses(chunk: int, wanted: int) -> Iterator[int]:
    if not chunk & 0x8000:  # run length
        return iter([chunk >> 13 & 3] * min(chunk & 0x1FFF, wanted))
    if chunk & 0x4000:  # seven symbols of two bits
        return (chunk >> shift & 3 for shift in range(12, -1, -2))
    return (chunk >> shift & 1 for shift in range(13, -1, -1))
