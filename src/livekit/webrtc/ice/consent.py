"""Consent to send (RFC 7675): when to ask the peer for it, and how long its last answer counts."""

from __future__ import annotations

import random

from .checklist import Pair

__all__ = ["Consent"]

CHECKS_PER_TIMEOUT = 4
"""Consent checks begun in one consent timeout, each repeated until answered."""
DOUBT = 1.0
"""Seconds that a pair has to show that it works when the peer nominates another, which does."""


class Consent:
    def __init__(self, timeout: float, randomness: random.Random) -> None:
        """`timeout` is in seconds."""
        self.ask_at = 0.0
        self._timeout = timeout
        self._random = randomness

    def asked(self, now: float) -> None:
        """RFC 7675 section 5.1 randomises by a fifth; its 5 s are for a timeout of 30 s."""
        self.ask_at = now + self._timeout / CHECKS_PER_TIMEOUT * self._random.uniform(0.8, 1.2)

    def expires_at(self, pair: Pair) -> float:
        return pair.confirmed_at + self._timeout

    def silent_at(self, pair: Pair) -> float:
        """When the peer will have been silent for half the timeout."""
        return pair.confirmed_at + self._timeout / 2

    def doubt(self, pair: Pair, now: float) -> None:
        """Ask at once, and count the peer as silent soon if there is no answer."""
        self.ask_at = now
        pair.confirmed_at = min(pair.confirmed_at, now + DOUBT - self._timeout / 2)
