"""Statistics of a received source: loss and interarrival jitter (RFC 3550 sections 6.4 and A.1, A.3, A.8)."""

from __future__ import annotations

from livekit.webrtc.serial_number import unwrap_16

from .rtcp import ReportBlock

__all__ = ["ReceptionStatistics"]

MAX_DROPOUT = 3000
"""A jump ahead by more sequence numbers than this is believed only if the next packet confirms it (RFC 3550 A.1)."""
MAX_CUMULATIVE_LOST = 0x7F_FFFF
NTP_SECOND = 1 << 16
"""Units per second of the middle 32 bits of an NTP timestamp."""


class ReceptionStatistics:
    """Reception of one source, as report blocks describe it."""

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        """`clock_rate` is that of the RTP timestamps, in hertz."""
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self._cycle = (1 << 32) / clock_rate
        self.packets = 0
        """Packets received, duplicates included."""
        self.bytes = 0
        """Payload bytes received."""
        self.jitter = 0.0
        """Smoothed interarrival jitter in seconds."""
        self._first = 0
        self._packets_before = 0
        self._highest = -1
        self._suspect: int | None = None
        self._transit: float | None = None
        self._previous = (0, 0)
        self._last_report = (0, 0.0)

    def receive(self, sequence_number: int, timestamp: int, size: int, now: float) -> None:
        """Count a packet with `size` bytes of payload that arrived at `now`, in seconds."""
        self.packets += 1
        self.bytes += size
        following = self._highest + 1
        if following > 0 and following & 0xFFFF == sequence_number:
            self._highest = following
            self._suspect = None
        else:
            self._count(sequence_number)
        transit = now - timestamp / self.clock_rate
        if self._transit is not None:
            difference = abs(transit - self._transit)
            if difference > 1:  # the timestamps may have wrapped
                difference = abs((difference + self._cycle / 2) % self._cycle - self._cycle / 2)
            self.jitter += (difference - self.jitter) / 16
        self._transit = transit

    def _restart(self, sequence_number: int) -> None:
        self._first = self._highest = sequence_number
        self._packets_before = self.packets - 1
        self._previous = (0, 0)

    def _count(self, sequence_number: int) -> None:
        if self._highest < 0:
            self._restart(sequence_number)
            return
        extended = unwrap_16(sequence_number, self._highest)
        if extended > self._highest + MAX_DROPOUT:
            if sequence_number == self._suspect:  # two packets in a row: the source has restarted
                self._restart(sequence_number)
            self._suspect = (sequence_number + 1) & 0xFFFF
        elif extended > self._highest:
            self._highest = extended
            self._suspect = None
        elif extended < self._first:
            self._first = extended

    def receive_sender_report(self, ntp_timestamp: int, now: float) -> None:
        """Note the 64-bit NTP timestamp of a sender report that arrived at `now`."""
        self._last_report = (ntp_timestamp >> 16 & 0xFFFF_FFFF, now)

    @property
    def expected(self) -> int:
        """Packets that the sequence numbers imply."""
        return self._highest - self._first + 1 if self._highest >= 0 else 0

    @property
    def lost(self) -> int:
        """Packets expected less packets received; negative with many duplicates."""
        return self.expected - (self.packets - self._packets_before)

    def report(self, now: float) -> ReportBlock:
        """Return a report block; its fraction lost covers the time since the block before."""
        expected, lost = self.expected - self._previous[0], self.lost - self._previous[1]
        self._previous = (self.expected, self.lost)
        last_report, arrived = self._last_report
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=min(max(256 * lost // expected, 0), 255) if expected > 0 else 0,
            cumulative_lost=min(max(self.lost, -MAX_CUMULATIVE_LOST - 1), MAX_CUMULATIVE_LOST),
            highest_sequence_number=max(self._highest, 0) & 0xFFFF_FFFF,
            jitter=min(int(self.jitter * self.clock_rate), 0xFFFF_FFFF),
            last_sender_report=last_report,
            delay_since_last_sender_report=(min(int((now - arrived) * NTP_SECOND), 0xFFFF_FFFF) if last_report else 0),
        )
