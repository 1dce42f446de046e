"""Congestion control of one path (RFC 9260 section 7.2). Sizes are bytes of DATA chunks, headers included."""

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
    """The congestion window: loss-based as in RFC 9260, with a limit on the queuing delay as in LEDBAT (RFC 6817)."""

    __slots__ = (
        "_base_mtu",
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
        self._base_mtu = self._mtu = mtu
        self._min_rtt = 0.0
        self._rtts: deque[float] = deque((0.0,), maxlen=RTT_FILTER_SAMPLES)
        self._update_max_cwnd()
        self.restart()

    def restart(self) -> None:
        """Return to the initial window, as on a new path."""
        self._partial_bytes_acked = 0
        self.cwnd = self._initial_cwnd
        self.ssthresh = 1 << 30
        self.recovery_exit_tsn: int | None = None
        """Fast recovery ends when this TSN is cumulatively acknowledged; None outside of fast recovery."""

    def on_ack(self, size: int, flight_before: int, cumulative_tsn: int) -> None:
        """Grow the window on an advance of the cumulative TSN.

        Args:
            size: Bytes newly acknowledged.
            flight_before: Flight size before this acknowledgement.
            cumulative_tsn: The new cumulative TSN.
        """
        if self.recovery_exit_tsn is not None:
            if cumulative_tsn < self.recovery_exit_tsn:
                return  # no growth in fast recovery (section 7.2.4)
            self.recovery_exit_tsn = None
            self._partial_bytes_acked = 0
        elif flight_before + self._mtu > self.cwnd:  # a window that is not fully used does not grow
            self._grow(size)

    def _grow(self, size: int) -> None:
        if self.cwnd <= self.ssthresh:  # slow start (section 7.2.1); two packets, as a delayed SACK covers two
            self.cwnd = min(self.cwnd + min(size, 2 * self._mtu), self.max_cwnd)
            return
        self._partial_bytes_acked += size  # congestion avoidance (section 7.2.2)
        if self._partial_bytes_acked >= self.cwnd:
            self._partial_bytes_acked -= self.cwnd
            self.cwnd = min(self.cwnd + self._mtu, self.max_cwnd)

    def enter_fast_recovery(self, highest_tsn: int) -> bool:
        """Reduce the window after a loss, once per loss event (section 7.2.4).

        A loss event lasts until all data in flight at its start, up to `highest_tsn`, is acknowledged.

        Returns:
            True if this loss starts a new loss event.
        """
        if self.recovery_exit_tsn is not None:
            return False
        self.recovery_exit_tsn = highest_tsn
        self.ssthresh = max(self.cwnd // 2, MIN_SSTHRESH_PACKETS * self._mtu, self._loss_floor)
        self.cwnd = min(self.cwnd, self.ssthresh)
        self._partial_bytes_acked = 0
        return True

    def on_t3_expiry(self) -> None:
        """Reduce the window after a T3-rtx timeout (section 7.2.3)."""
        self.ssthresh = max(self.cwnd // 2, MIN_SSTHRESH_PACKETS * self._mtu, self._loss_floor)
        self.cwnd = min(self.cwnd, max(self._mtu, self._loss_floor))
        self.recovery_exit_tsn = None
        self._partial_bytes_acked = 0

    def on_idle(self, seconds: float, rto: float) -> None:
        """Halve the window for each RTO in which nothing was in flight (section 7.2.1)."""
        if self.cwnd > self._initial_cwnd and seconds > rto:
            self.cwnd = max(self.cwnd >> min(int(seconds / rto), 30), self._initial_cwnd)

    def on_rtt_sample(self, rtt: float, min_rtt: float, silence: float = 0.0) -> None:
        """Limit the window to `MAX_RATE`, unless the path is short, and the queuing delay to its target.

        Samples without an acknowledgement in the first `STALLED_ACK_SHARE` of the round trip are not taken for a queue.
        A queue releases packets one by one, and so their acknowledgements arrive one by one; if all arrive at the end,
        one of the hosts was busy, and a smaller window would only waste its time.

        Args:
            rtt: The sample, in seconds.
            min_rtt: The minimum on this path, in seconds.
            silence: Seconds of the round trip before the first acknowledgement.
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
            self.cwnd = min(self.cwnd, max(window, MIN_WINDOW_PACKETS * self._base_mtu))
        self.ssthresh = min(self.ssthresh, self.cwnd)

    def resize(self, mtu: int) -> None:
        """Set the packet size, in bytes."""
        self._mtu = mtu
        self._update_max_cwnd()
        self.cwnd = min(self.cwnd, self.max_cwnd)

    @property
    def _loss_floor(self) -> int:
        """Lower bound of the window after a loss: 0, as in the RFC, if there is a queue, or else the initial window."""
        return 0 if self._is_queuing else self._initial_cwnd

    @property
    def _is_queuing(self) -> bool:
        """Packets queue on the path.

        A single long round trip may be due to a stalled host or a lost SACK, so the minimum of the last samples counts
        (RFC 6817 section 3.4.2).
        """
        return min(self._rtts) > self._queuing_rtt

    @property
    def _queuing_rtt(self) -> float:
        """Round-trip time, in seconds, above which packets queue for longer than the target."""
        return self._min_rtt + max(MAX_QUEUE_DELAY, self._min_rtt)

    @property
    def _initial_cwnd(self) -> int:
        return max(INITIAL_WINDOW_PACKETS * self._base_mtu, 2 * self._mtu)

    def _update_max_cwnd(self) -> None:
        short_path = max(MAX_WINDOW_PACKETS * self._base_mtu, MAX_WINDOW_LARGE_PACKETS * self._mtu)
        self.max_cwnd = max(short_path, int(MAX_RATE * self._min_rtt))
