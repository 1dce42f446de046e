"""Retransmission timeout (RFC 9260 section 6.3.1, RFC 6298)."""

from __future__ import annotations

from .constants import RTO_INITIAL, RTO_MAX, RTO_MIN

_ALPHA = 1 / 8
_BETA = 1 / 4


class RetransmissionTimeout:
    """Smoothed round trip and the timeout that follows from it, all in seconds.

    Samples must not come from retransmitted chunks (Karn's rule, section 6.3.1 C5): the caller sees to that.
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
        """The shortest on this path so far; 0 before the first."""

    @property
    def value(self) -> float:
        """The timeout to use now."""
        return min(self._base * self._backoff, self._maximum)

    def set_initial_rtt(self, rtt: float) -> None:
        """The path was measured before there was an association, by ICE checks: no sample, but a better first guess.

        The timeout never becomes longer by it.
        """
        if self.srtt is None:
            self._base = min(max(3 * rtt, self._minimum), self._base)

    def sample(self, rtt: float) -> None:
        """A round trip was measured (rules C2 and C3)."""
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
        """The shortest round trip of another path says nothing about this one."""
        self.min_rtt = 0.0

    def back_off(self) -> None:
        """The timer expired (section 6.3.3 E2)."""
        if self._base * self._backoff < self._maximum:
            self._backoff *= 2

    def reset_backoff(self) -> None:
        """New data was acknowledged: the path works, so no longer back off.

        RFC 9260 waits for the next sample; on a path that loses much, samples are rare and the backoff would stay.
        """
        self._backoff = 1
