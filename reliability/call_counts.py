"""Counters for calls too numerous to report one by one: one byte per call.

A payload is `caller|number`. Each side sends its counters as text when all calls have ended.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator
from contextlib import contextmanager

LATE = 0.25
"""Seconds beyond its budget by which a call must have ended."""


class CallCounter:
    """A count of up to 255 for each of many numbered calls."""

    def __init__(self, text: str = "") -> None:
        self.counts = bytearray.fromhex(text)

    def note(self, number: int) -> None:
        if number >= len(self.counts):
            self.counts.extend(bytes(number + 4096 - len(self.counts)))
        self.counts[number] += 1

    def __getitem__(self, number: int) -> int:
        return self.counts[number] if number < len(self.counts) else 0

    def text(self) -> str:
        return self.counts.hex()


class HandledCalls:
    """The callee's counts: handler runs started and returned, and the maximum concurrency by caller."""

    def __init__(self) -> None:
        self._invoked: defaultdict[str, CallCounter] = defaultdict(CallCounter)
        self._returned: defaultdict[str, CallCounter] = defaultdict(CallCounter)
        self._running: Counter[str] = Counter()
        self._most: Counter[str] = Counter()

    @contextmanager
    def handling(self, payload: str) -> Generator[None]:
        caller, _, number = payload.partition("|")
        self._invoked[caller].note(int(number))
        self._running[caller] += 1
        self._most[caller] = max(self._most[caller], self._running[caller])
        try:
            yield
            self._returned[caller].note(int(number))
        finally:
            self._running[caller] -= 1

    def result(self) -> dict[str, object]:
        invoked = {caller: row.text() for caller, row in self._invoked.items()}
        returned = {caller: row.text() for caller, row in self._returned.items()}
        return {"invoked": invoked, "returned": returned, "most": dict(self._most)}


class MadeCalls:
    """The caller's counts: outcomes, and calls that ended late."""

    def __init__(self, budget: float) -> None:
        self.offered = 0
        self.pause = 0.0
        """The longest interval in seconds in which the caller's process got no CPU time to make calls."""
        self._budget = budget
        self._settled = CallCounter()
        self._succeeded = CallCounter()
        self._outcomes: Counter[str] = Counter()
        self._late = 0
        self._longest = 0.0

    def settled(self, number: int, outcome: str, seconds: float) -> None:
        self._settled.note(number)
        if outcome == "ok":
            self._succeeded.note(number)
        self._outcomes[outcome] += 1
        self._late += seconds > self._budget + LATE
        self._longest = max(self._longest, seconds)

    def result(self) -> dict[str, object]:
        return {
            "offered": self.offered,
            "pause": self.pause,
            "outcomes": dict(self._outcomes),
            "late": self._late,
            "longest": self._longest,
            "settled": self._settled.text(),
            "succeeded": self._succeeded.text(),
        }
