"""Queues that the official SDK's `_utils` module offers."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

__all__ = ["BroadcastQueue"]

_T = TypeVar("_T")


class BroadcastQueue(Generic[_T]):
    """Copies each item to the queues of all subscribers."""

    def __init__(self) -> None:
        self._queues: dict[int, asyncio.Queue[_T]] = {}

    def len_subscribers(self) -> int:
        """Return the number of subscribers."""
        return len(self._queues)

    def put_nowait(self, item: _T) -> None:
        """Append an item to each subscriber's queue."""
        for queue in self._queues.values():
            queue.put_nowait(item)

    def subscribe(self) -> asyncio.Queue[_T]:
        """Return a new queue, which gets the items put from now on."""
        queue: asyncio.Queue[_T] = asyncio.Queue()
        self._queues[id(queue)] = queue
        return queue

    def unsubscribe(self, queue: asyncio.Queue[_T]) -> None:
        """Remove a queue, and end `join` calls that wait for its items.

        Raises:
            ValueError: The queue is not subscribed.
        """
        if self._queues.pop(id(queue), None) is None:
            raise ValueError("the queue is not subscribed to this BroadcastQueue")
        try:
            while True:
                queue.task_done()
        except ValueError:  # all items are accounted for
            return

    async def join(self) -> None:
        """Wait until the subscribers have called `task_done` for each item."""
        for queue in list(self._queues.values()):
            await queue.join()
