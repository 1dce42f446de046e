"""One heap of deadlines for all calls instead of a timer per call."""

from __future__ import annotations

import heapq
import itertools
import math
from typing import Generic, Protocol, TypeVar

COMPACT_THRESHOLD = 1_024
"""Stale entries are removed once there are more than this, and they are more than half of the heap."""


class Timed(Protocol):
    """An item of a `DeadlineHeap`."""

    due: float | None
    """Deadline in seconds; None once the item is finished."""
    entry_due: float
    """Private to the heap: the time of the item's entry; infinite without one."""
    entry_id: int
    """Private to the heap: the number of the item's entry."""


T = TypeVar("T", bound=Timed)


class DeadlineHeap(Generic[T]):
    """Items ordered by deadline.

    An item may move its `due` later on its own: it is pushed again when its old entry expires. After moving it
    earlier, call `add`. The heap refers to items by number, so a stale entry keeps no finished call or payload alive.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._items: dict[int, T] = {}
        self._entry_ids = itertools.count(1)

    def __len__(self) -> int:
        """Return the number of entries, stale ones included."""
        return len(self._heap)

    def add(self, item: T) -> None:
        """Ensure that an entry expires no later than the item's `due`."""
        due = item.due
        if due is not None and due < item.entry_due:
            self._items.pop(item.entry_id, None)
            item.entry_due, item.entry_id = due, next(self._entry_ids)
            self._items[item.entry_id] = item
            heapq.heappush(self._heap, (due, item.entry_id))

    def remove(self, item: T) -> None:
        """Drop an item. Its entry becomes stale and is removed later."""
        self._items.pop(item.entry_id, None)
        item.entry_due = math.inf
        stale = len(self._heap) - len(self._items)
        if stale > COMPACT_THRESHOLD and stale * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[1] in self._items]
            heapq.heapify(self._heap)

    def next(self) -> float | None:
        """Return a time no later than the earliest `due`, or None if the heap is empty."""
        while self._heap and self._heap[0][1] not in self._items:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> list[T]:
        """Remove and return the items that are due. Call `add` again for one that continues."""
        due: list[T] = []
        while self._heap and self._heap[0][0] <= now:
            item = self._items.pop(heapq.heappop(self._heap)[1], None)
            if item is None:
                continue
            item.entry_due = math.inf
            if item.due is None:
                continue
            if item.due > now:
                self.add(item)
            else:
                due.append(item)
        return due
