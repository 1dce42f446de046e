"""Reception of an outgoing stream at its peer, from the report blocks that it sends (RFC 3550 section 6.4)."""

from __future__ import annotations

from collections import deque

from .rtcp import ReportBlock

__all__ = ["RemoteReception"]

REMEMBERED_REPORTS = 16
"""Sender reports whose round trip can still be measured: 48 s at one each 3 s."""


class RemoteReception:
    """The last report of a peer on one outgoing stream."""

    def __init__(self, clock_rate: int) -> None:
        """`clock_rate` is that of the RTP timestamps, in hertz."""
        self.received_at: float | None = None
        """When the last report arrived, in seconds."""
        self.lost = 0
        self.fraction_lost = 0.0
        """Share of packets lost between the last two reports, 0 to 1."""
        self.jitter = 0.0
        """Seconds."""
        self.round_trip_time: float | None = None
        """Seconds; None before it is known."""
        self.total_round_trip_time = 0.0
        """Sum of all measurements, in seconds."""
        self.round_trip_time_measurements = 0
        self._clock_rate = clock_rate
        self._sent: deque[tuple[int, float]] = deque(maxlen=REMEMBERED_REPORTS)

    def sent_report(self, ntp_timestamp: int, now: float) -> None:
        """Note the 64-bit NTP timestamp of a sender report that leaves at `now`."""
        self._sent.append((ntp_timestamp >> 16 & 0xFFFF_FFFF, now))

    def receive(self, block: ReportBlock, now: float) -> None:
        """Account for a report block that arrived at `now`."""
        self.received_at = now
        self.lost = block.cumulative_lost
        self.fraction_lost = block.fraction_lost / 256
        self.jitter = block.jitter / self._clock_rate
        sent = next((at for middle, at in self._sent if middle == block.last_sender_report), None)
        if sent is not None and block.last_sender_report:
            self.round_trip_time = max(now - sent - block.delay_since_last_sender_report / 65_536, 0.0)
            self.total_round_trip_time += self.round_trip_time
            self.round_trip_time_measurements += 1
