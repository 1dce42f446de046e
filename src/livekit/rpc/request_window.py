"""How many requests may be on their way to one participant. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from .caller import OutgoingCall

__all__ = ["REQUEST_WINDOW", "RequestWindow"]

REQUEST_WINDOW = 1_024
"""Requests to one participant that it has not acknowledged. What is more waits here, where it costs nothing to forget
it when its time is over; on the way to a participant that does not keep up it would be delivered all the same."""


class _Lane:
    """The requests to one participant, by id."""

    __slots__ = ("on_their_way", "waiting")

    def __init__(self) -> None:
        self.on_their_way: set[str] = set()
        self.waiting: OrderedDict[str, tuple[OutgoingCall, float]] = OrderedDict()
        """With the time since when they wait."""

    def next(self, now: float) -> OutgoingCall:
        """Who waited longest goes next. Once that one has waited longer than it has left, more is asked for than
        passes, and if all went in order each would go too late: then the newest goes first."""
        oldest, since = next(iter(self.waiting.values()))
        if now - since <= oldest.deadline - now:
            return oldest
        newest, _ = next(reversed(self.waiting.values()))
        return newest


class RequestWindow:
    """Requests enter when they are made, and leave when they are acknowledged or their call is over."""

    def __init__(self, size: int = REQUEST_WINDOW) -> None:
        self._size = size
        self._lanes: dict[str, _Lane] = {}

    def __len__(self) -> int:
        """Requests that wait or are on their way."""
        return sum(len(lane.on_their_way) + len(lane.waiting) for lane in self._lanes.values())

    def enter(self, call: OutgoingCall, now: float) -> bool:
        """Whether the request may be sent now; if not, a `leave` of another returns it later."""
        lane = self._lanes.get(call.destination)
        if lane is None:
            lane = self._lanes[call.destination] = _Lane()
        if len(lane.on_their_way) < self._size:
            lane.on_their_way.add(call.request_id)
            return True
        lane.waiting[call.request_id] = call, now
        return False

    def is_waiting(self, call: OutgoingCall) -> bool:
        lane = self._lanes.get(call.destination)
        return lane is not None and call.request_id in lane.waiting

    def leave(self, call: OutgoingCall, now: float) -> Sequence[OutgoingCall]:
        """A request was acknowledged, or nobody waits for its answer: those that may be sent in its place, which is
        none whose time is over as well."""
        lane = self._lanes.get(call.destination)
        if lane is None:
            return ()
        lane.on_their_way.discard(call.request_id)
        if not lane.waiting:
            if not lane.on_their_way:
                del self._lanes[call.destination]
            return ()
        lane.waiting.pop(call.request_id, None)
        calls: list[OutgoingCall] = []
        while lane.waiting and len(lane.on_their_way) < self._size:
            following = lane.next(now)
            if now >= following.deadline:
                break  # its own end is near, and lets others go
            del lane.waiting[following.request_id]
            lane.on_their_way.add(following.request_id)
            calls.append(following)
        return calls

    def forget(self, destination: str) -> list[OutgoingCall]:
        """The participant acknowledges nothing of before any more; returns who waited."""
        lane = self._lanes.pop(destination, None)
        return [] if lane is None else [call for call, _ in lane.waiting.values()]

    def clear(self) -> None:
        """All calls end."""
        self._lanes.clear()
