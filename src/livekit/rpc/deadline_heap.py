"""One heap of deadlines for all calls, instead of a timer for each."""

from __future__ import annotations

import heapq
import itertools
import math
from typing import Generic, Protocol, TypeVar

COMPACT_AT = 1_024
"""Stale entries are swept out when they are more than this and more than half of the heap."""


class Timed(Protocol):
    due: float | None
    """When it wants to be looked at, in seconds; None once it is finished."""
    queued: float
    """The heap's own note: when its entry comes up; infinite while it has none."""
    ticket: int
    """The heap's own note: which entry is its."""


T = TypeVar("T", bound=Timed)


class DeadlineHeap(Generic[T]):
    """Items by the time they are due. An item may move its `due` later by itself and is put back when its entry
    comes up; after moving it earlier, call `add` again.

    The heap knows entries by number alone, so a stale one keeps no finished call, and no payload, in memory.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._items: dict[int, T] = {}
        self._tickets = itertools.count(1)

    def __len__(self) -> int:
        """Entries, stale ones included."""
        return len(self._heap)

    def add(self, item: T) -> None:
        """See to it that an entry comes up no later than the item's `due`."""
        due = item.due
        if due is not None and due < item.queued:
            self._items.pop(item.ticket, None)
            item.queued, item.ticket = due, next(self._tickets)
            self._items[item.ticket] = item
            heapq.heappush(self._heap, (due, item.ticket))

    def finished(self, item: T) -> None:
        """Let go of an item; its entry becomes stale and is swept out in time."""
        self._items.pop(item.ticket, None)
        item.queued = math.inf
        stale = len(self._heap) - len(self._items)
        if stale > COMPACT_AT and stale * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[1] in self._items]
            heapq.heapify(self._heap)

    def next(self) -> float | None:
        """A time not later than the first item's `due`; None when there is nothing."""
        while self._heap and self._heap[0][1] not in self._items:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> list[T]:
        """Take out the items whose time has come. An item that is to go on must be added again."""
        due: list[T] = []
        while self._heap and self._heap[0][0] <= now:
            item = self._items.pop(heapq.heappop(self._heap)[1], None)
            if item is None:
                continue
            item.queued = math.inf
            if item.due is None:
                continue
            if item.due > now:
                self.add(item)
            else:
                due.append(item)
        return due
