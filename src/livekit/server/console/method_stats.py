"""Durations and failures of calls by method. No I/O, no clock."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_METHODS = 200
"""Methods that are kept; the one that was called least recently is dropped first."""
MAX_DURATIONS = 1_000
"""Durations kept per method, the newest."""


class MethodSummary(NamedTuple):
    """The ended calls of one method in one room."""

    room: str
    method: str
    calls: int
    failed: int
    p50: float | None
    """Median seconds until the response; None without a response."""
    p95: float | None


@dataclass(slots=True)
class _Method:
    calls: int = 0
    failed: int = 0
    durations: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_DURATIONS))
    summary: MethodSummary | None = None
    """None if it must be computed again."""


class MethodStats:
    """Statistics of the methods that were called, by room and name."""

    def __init__(self) -> None:
        self._methods: OrderedDict[tuple[str, str], _Method] = OrderedDict()

    def add(self, room: str, name: str, duration: float | None, *, failed: bool) -> None:
        """Count a call that has ended; `duration` is the time until its response in seconds, None without one."""
        key = room, name
        method = self._methods.get(key)
        if method is None:
            method = self._methods[key] = _Method()
            if len(self._methods) > MAX_METHODS:
                self._methods.popitem(last=False)
        else:
            self._methods.move_to_end(key)
        method.calls += 1
        method.failed += failed
        method.summary = None
        if duration is not None:
            method.durations.append(duration)

    def summaries(self) -> list[MethodSummary]:
        """Return a summary for each method, in the order of room and name."""
        return [self._summary(key, method) for key, method in sorted(self._methods.items())]

    def _summary(self, key: tuple[str, str], method: _Method) -> MethodSummary:
        if method.summary is None:
            durations = sorted(method.durations)
            p50, p95 = percentile(durations, 0.5), percentile(durations, 0.95)
            method.summary = MethodSummary(*key, method.calls, method.failed, p50, p95)
        return method.summary


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least this share of the values does not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
