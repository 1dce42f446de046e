"""One heap of deadlines for all calls, instead of a timer for each."""

from __future__ import annotations

import heapq
import itertools
import math
from typing import Generic, Protocol, TypeVar

_COMPACT_AT = 1_024
"""Entries of finished calls are swept out when they are more than this and more than half of the heap."""


class Timed(Protocol):
    due: float | None
    """When it wants to be looked at, in seconds; None once it is finished."""
    queued: float
    """The heap's own note: when its entry comes up; infinite while it has none."""


T = TypeVar("T", bound=Timed)


class DeadlineHeap(Generic[T]):
    """Items by the time they are due. An item may move its `due` later by itself and is put back when its entry
    comes up; after moving it earlier, call `add` again."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, T]] = []
        self._order = itertools.count()
        self._finished = 0

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, item: T) -> None:
        """See to it that an entry comes up no later than the item's `due`."""
        due = item.due
        if due is not None and due < item.queued:
            item.queued = due
            heapq.heappush(self._heap, (due, next(self._order), item))

    def finished(self) -> None:
        """Note that an item's `due` has become None; its entry is swept out in time."""
        self._finished += 1
        if self._finished > _COMPACT_AT and self._finished * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].due is not None]
            heapq.heapify(self._heap)
            self._finished = 0

    def next(self) -> float | None:
        """A time not later than the first item's `due`; None when there is nothing."""
        while self._heap and self._heap[0][2].due is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> list[T]:
        """Take out the items whose time has come. An item that is to go on must be added again."""
        due: list[T] = []
        while self._heap and self._heap[0][0] <= now:
            when, _, item = heapq.heappop(self._heap)
            if when != item.queued:
                continue
            item.queued = math.inf
            if item.due is None:
                continue
            if item.due > now:
                self.add(item)
            else:
                due.append(item)
        return due
