"""Congestion control of one path (RFC 9260 section 7.2). All sizes are bytes of DATA chunks with their headers."""

from __future__ import annotations

from collections import deque

from .constants import (
    INITIAL_WINDOW_PACKETS,
    MAX_PACKET_SIZE,
    MAX_QUEUE_DELAY,
    MAX_RATE,
    MAX_WINDOW_LARGE_PACKETS,
    MAX_WINDOW_PACKETS,
    MIN_SSTHRESH_PACKETS,
    MIN_WINDOW_PACKETS,
    RTT_FILTER_SAMPLES,
    STALLED_ACK_SHARE,
)


class CongestionControl:
    """The congestion window and what makes it grow and shrink."""

    __slots__ = (
        "_base",
        "_min_rtt",
        "_mtu",
        "_partial_bytes_acked",
        "_rtts",
        "cwnd",
        "max_cwnd",
        "recovery_exit_tsn",
        "ssthresh",
    )

    def __init__(self, mtu: int = MAX_PACKET_SIZE) -> None:
        self._base = self._mtu = mtu
        self._min_rtt = 0.0
        self._rtts: deque[float] = deque((0.0,), maxlen=RTT_FILTER_SAMPLES)
        self._update_max_cwnd()
        self.restart()

    def restart(self) -> None:
        """Begin as on a new path."""
        self._partial_bytes_acked = 0
        self.cwnd = self._initial_cwnd
        self.ssthresh = 1 << 30
        self.recovery_exit_tsn: int | None = None
        """While in fast recovery: the TSN whose cumulative acknowledgement ends it."""

    def on_ack(self, size: int, flight_before: int, cumulative_tsn: int) -> None:
        """The cumulative TSN advanced; `size` bytes were newly acknowledged, of `flight_before` in flight."""
        if self.recovery_exit_tsn is not None:
            if cumulative_tsn < self.recovery_exit_tsn:
                return  # section 7.2.4: no growth in fast recovery
            self.recovery_exit_tsn = None
            self._partial_bytes_acked = 0
        elif flight_before + self._mtu > self.cwnd:  # only a window that is used may grow
            self._grow(size)

    def _grow(self, size: int) -> None:
        if self.cwnd <= self.ssthresh:  # slow start, section 7.2.1; two packets per SACK as SACKs are delayed
            self.cwnd = min(self.cwnd + min(size, 2 * self._mtu), self.max_cwnd)
            return
        self._partial_bytes_acked += size  # congestion avoidance, section 7.2.2
        if self._partial_bytes_acked >= self.cwnd:
            self._partial_bytes_acked -= self.cwnd
            self.cwnd = min(self.cwnd + self._mtu, self.max_cwnd)

    def enter_fast_recovery(self, highest_tsn: int) -> bool:
        """Chunks were found lost (section 7.2.4); return whether this is a new loss event.

        One loss event ends when all that was in flight at its begin, up to `highest_tsn`, is acknowledged.
        """
        if self.recovery_exit_tsn is not None:
            return False
        self.recovery_exit_tsn = highest_tsn
        self.ssthresh = max(self.cwnd // 2, MIN_SSTHRESH_PACKETS * self._mtu, self._loss_floor)
        self.cwnd = min(self.cwnd, self.ssthresh)
        self._partial_bytes_acked = 0
        return True

    def on_t3_expiry(self) -> None:
        """T3-rtx expired (section 7.2.3)."""
        self.ssthresh = max(self.cwnd // 2, MIN_SSTHRESH_PACKETS * self._mtu, self._loss_floor)
        self.cwnd = min(self.cwnd, max(self._mtu, self._loss_floor))
        self.recovery_exit_tsn = None
        self._partial_bytes_acked = 0

    def on_idle(self, seconds: float, rto: float) -> None:
        """Nothing was in flight for a while: halve for each retransmission timeout (section 7.2.1)."""
        if self.cwnd > self._initial_cwnd and seconds > rto:
            self.cwnd = max(self.cwnd >> min(int(seconds / rto), 30), self._initial_cwnd)

    def on_rtt_sample(self, rtt: float, min_rtt: float, silence: float = 0.0) -> None:
        """A round trip, and the shortest so far, bound the window: no more than `MAX_RATE`, unless the path is short;
        and no more than what passes without waiting, and in `MAX_QUEUE_DELAY`.

        `silence` is the part of the round trip before anything was acknowledged. Out of a queue packets come one by
        one, and so do their acknowledgements; where all come at the end, one of the hosts was busy with other things,
        and a smaller window would only make less of its time.
        """
        self._min_rtt = min_rtt
        self._update_max_cwnd()
        self.cwnd = min(self.cwnd, self.max_cwnd)
        if rtt > self._queuing_rtt and silence > STALLED_ACK_SHARE * rtt:
            return
        self._rtts.append(rtt)
        if rtt <= self._queuing_rtt:
            return
        if self._is_queuing:
            window = int(self.cwnd * self._queuing_rtt / rtt)
            self.cwnd = min(self.cwnd, max(window, MIN_WINDOW_PACKETS * self._base))
        self.ssthresh = min(self.ssthresh, self.cwnd)

    def resize(self, mtu: int) -> None:
        """Packets have another size from now on."""
        self._mtu = mtu
        self._update_max_cwnd()
        self.cwnd = min(self.cwnd, self.max_cwnd)

    @property
    def _loss_floor(self) -> int:
        """What losses leave of the window; 0 where it shall be what the RFC says, as packets wait."""
        return 0 if self._is_queuing else self._initial_cwnd

    @property
    def _is_queuing(self) -> bool:
        """Packets wait on the path. A long round trip alone may be a hiccup of either end, or of a SACK that was lost:
        the shortest of the last ones tells (RFC 6817 section 3.4.2)."""
        return min(self._rtts) > self._queuing_rtt

    @property
    def _queuing_rtt(self) -> float:
        """Longer round trips mean that packets wait on the path."""
        return self._min_rtt + max(MAX_QUEUE_DELAY, self._min_rtt)

    @property
    def _initial_cwnd(self) -> int:
        return max(INITIAL_WINDOW_PACKETS * self._base, 2 * self._mtu)

    def _update_max_cwnd(self) -> None:
        short_path = max(MAX_WINDOW_PACKETS * self._base, MAX_WINDOW_LARGE_PACKETS * self._mtu)
        self.max_cwnd = max(short_path, int(MAX_RATE * self._min_rtt))
