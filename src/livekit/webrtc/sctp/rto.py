"""Retransmission timeout (RFC 9260 section 6.3.1, RFC 6298)."""

from __future__ import annotations

from .constants import RTO_INITIAL, RTO_MAX, RTO_MIN

_ALPHA = 1 / 8
_BETA = 1 / 4


class RetransmissionTimeout:
    """The smoothed round-trip time and the retransmission timeout (RTO), in seconds.

    The caller must not sample retransmitted chunks (Karn's rule, section 6.3.1, rule C5).
    """

    __slots__ = ("_backoff", "_base", "_maximum", "_minimum", "min_rtt", "rttvar", "srtt")

    def __init__(self, *, initial: float = RTO_INITIAL, minimum: float = RTO_MIN, maximum: float = RTO_MAX) -> None:
        self._minimum = minimum
        self._maximum = maximum
        self._base = min(initial, maximum)
        self._backoff = 1
        self.srtt: float | None = None
        self.rttvar = 0.0
        self.min_rtt = 0.0
        """Minimum of the samples on this path; 0 before the first one."""

    @property
    def value(self) -> float:
        """The current RTO, with backoff."""
        return min(self._base * self._backoff, self._maximum)

    def set_initial_rtt(self, rtt: float) -> None:
        """Shorten the initial RTO to three times a round trip measured by ICE. It is never lengthened."""
        if self.srtt is None:
            self._base = min(max(3 * rtt, self._minimum), self._base)

    def sample(self, rtt: float) -> None:
        """Update SRTT, RTTVAR and RTO with a measured round trip (section 6.3.1, rules C2 and C3)."""
        if self.srtt is None:
            self.srtt = self.min_rtt = rtt
            self.rttvar = rtt / 2
        else:
            self.rttvar += _BETA * (abs(self.srtt - rtt) - self.rttvar)
            self.srtt += _ALPHA * (rtt - self.srtt)
            self.min_rtt = min(self.min_rtt, rtt) if self.min_rtt else rtt
        self._base = min(max(self.srtt + 4 * self.rttvar, self._minimum), self._maximum)
        self._backoff = 1

    def path_changed(self) -> None:
        """Reset the minimum round-trip time, which belongs to the previous path."""
        self.min_rtt = 0.0

    def back_off(self) -> None:
        """Double the RTO after a timeout (section 6.3.3, rule E2)."""
        if self._base * self._backoff < self._maximum:
            self._backoff *= 2

    def reset_backoff(self) -> None:
        """End the backoff because new data was acknowledged.

        RFC 9260 waits for the next sample; on a lossy path samples are rare, and the backoff would persist.
        """
        self._backoff = 1
