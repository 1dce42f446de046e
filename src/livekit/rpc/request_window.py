"""Per-peer limit on unacknowledged requests, with a queue for the rest. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from .outgoing_call import OutgoingCall

__all__ = ["REQUEST_WINDOW", "RequestWindow"]

REQUEST_WINDOW = 1_024
"""Unacknowledged requests per peer. Further requests are queued on this side, where an expired one is dropped for free;
once sent to a peer that cannot keep up, it would be delivered regardless."""


class _PeerWindow:
    """The requests to one peer, by id."""

    __slots__ = ("in_flight", "queue")

    def __init__(self) -> None:
        self.in_flight: set[str] = set()
        self.queue: OrderedDict[str, tuple[OutgoingCall, float]] = OrderedDict()
        """Queued calls, oldest first, with the time at which each was queued."""

    def next(self, now: float) -> OutgoingCall:
        """Return the queued call to send next.

        FIFO; LIFO once the oldest has waited longer than it has left: under overload FIFO would send every request
        too late.
        """
        oldest, since = next(iter(self.queue.values()))
        if now - since <= oldest.deadline - now:
            return oldest
        newest, _ = next(reversed(self.queue.values()))
        return newest


class RequestWindow:
    """Slots for requests in flight: taken when a call is made, released by its acknowledgement or its end."""

    def __init__(self, size: int = REQUEST_WINDOW) -> None:
        self._size = size
        self._windows: dict[str, _PeerWindow] = {}

    def __len__(self) -> int:
        """Return the number of requests queued or in flight."""
        return sum(len(window.in_flight) + len(window.queue) for window in self._windows.values())

    def acquire(self, call: OutgoingCall, now: float) -> bool:
        """Take a slot; a call that has one keeps it.

        If the window is full, queue the call and return False; a later `release` returns it.
        """
        window = self._windows.get(call.destination)
        if window is None:
            window = self._windows[call.destination] = _PeerWindow()
        if len(window.in_flight) < self._size or call.request_id in window.in_flight:
            window.in_flight.add(call.request_id)
            return True
        window.queue[call.request_id] = call, now
        return False

    def is_queued(self, call: OutgoingCall) -> bool:
        """Return True if the call still waits for a slot."""
        window = self._windows.get(call.destination)
        return window is not None and call.request_id in window.queue

    def release(self, call: OutgoingCall, now: float) -> Sequence[OutgoingCall]:
        """Free the call's slot, or its place in the queue, and return the calls that got a slot instead.

        Expired calls get none: their own timers end them.
        """
        window = self._windows.get(call.destination)
        if window is None:
            return ()
        window.in_flight.discard(call.request_id)
        if not window.queue:
            if not window.in_flight:
                del self._windows[call.destination]
            return ()
        window.queue.pop(call.request_id, None)
        calls: list[OutgoingCall] = []
        while window.queue and len(window.in_flight) < self._size:
            following = window.next(now)
            if now >= following.deadline:
                break  # its timer is due, and releases again
            del window.queue[following.request_id]
            window.in_flight.add(following.request_id)
            calls.append(following)
        return calls

    def reset(self, destination: str) -> list[OutgoingCall]:
        """Drop the window of a peer that will acknowledge no earlier request, and return the queued calls."""
        window = self._windows.pop(destination, None)
        return [] if window is None else [call for call, _ in window.queue.values()]

    def clear(self) -> None:
        """Drop all windows."""
        self._windows.clear()
