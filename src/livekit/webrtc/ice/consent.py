"""Consent freshness (RFC 7675): when to send consent checks and how long the last response remains valid."""

from __future__ import annotations

import random

from .checklist import CandidatePair

__all__ = ["Consent"]

CHECKS_PER_TIMEOUT = 4
"""Consent checks started per consent timeout, each retransmitted until answered."""
RECHECK_TIMEOUT = 1.0
"""Seconds in which the selected pair must get a response once the peer has nominated another valid pair."""


class Consent:
    """The consent timer of the selected pair."""

    def __init__(self, timeout: float, rng: random.Random) -> None:
        """`timeout` is the seconds without a response until consent expires."""
        self.next_check_at = 0.0
        self._timeout = timeout
        self._rng = rng

    def schedule_next_check(self, now: float) -> None:
        """Schedule the next consent check.

        RFC 7675 section 5.1 randomizes the interval by a fifth; its 5 s are for a timeout of 30 s.
        """
        self.next_check_at = now + self._timeout / CHECKS_PER_TIMEOUT * self._rng.uniform(0.8, 1.2)

    def expiry(self, now: float) -> float:
        """Return when consent expires without a response from `now` on."""
        return now + self._timeout

    def expires_at(self, pair: CandidatePair) -> float:
        """Return when consent to send on `pair` expires."""
        return pair.last_response_at + self._timeout

    def disconnected_at(self, pair: CandidatePair) -> float:
        """Return the time at which `pair` counts as disconnected: half a timeout after the last response."""
        return pair.last_response_at + self._timeout / 2

    def recheck(self, pair: CandidatePair, now: float) -> None:
        """Check consent on `pair` now, and count it as disconnected after `RECHECK_TIMEOUT` without a response."""
        self.next_check_at = now
        pair.last_response_at = min(pair.last_response_at, now + RECHECK_TIMEOUT - self._timeout / 2)
