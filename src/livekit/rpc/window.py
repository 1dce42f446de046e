"""How many requests may be on their way to one participant. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from .caller import OutgoingCall

__all__ = ["REQUEST_WINDOW", "RequestWindow"]

REQUEST_WINDOW = 1_024
"""Requests to one participant that it has not acknowledged. What is more waits here, where it costs nothing to forget
it when its time is over; on the way to a participant that does not keep up it would be delivered all the same."""


@dataclass(slots=True)
class _Lane:
    """The requests to one participant, by id."""

    sent: set[str] = field(default_factory=set[str])
    waiting: OrderedDict[str, tuple[OutgoingCall, float]] = field(
        default_factory=OrderedDict[str, "tuple[OutgoingCall, float]"]
    )
    """With the time since when they wait."""

    def take(self, now: float) -> OutgoingCall:
        """Who waited longest goes next. Once that one has waited longer than it has left, more is asked for than
        passes, and if all went in order each would go too late: then the newest goes first."""
        oldest, since = next(iter(self.waiting.values()))
        _, (call, _) = self.waiting.popitem(last=now - since > oldest.deadline - now)
        return call


class RequestWindow:
    """Requests enter when they are made, and leave when they are acknowledged or their call is over."""

    def __init__(self, size: int = REQUEST_WINDOW) -> None:
        self._size = size
        self._lanes: dict[str, _Lane] = {}

    def __len__(self) -> int:
        """Requests that wait or are on their way."""
        return sum(len(lane.sent) + len(lane.waiting) for lane in self._lanes.values())

    def enter(self, call: OutgoingCall, now: float) -> bool:
        """Whether the request may be sent now; if not, a `leave` of another returns it later."""
        lane = self._lanes.get(call.destination)
        if lane is None:
            lane = self._lanes[call.destination] = _Lane()
        if len(lane.sent) < self._size:
            lane.sent.add(call.request_id)
            return True
        lane.waiting[call.request_id] = call, now
        return False

    def is_waiting(self, call: OutgoingCall) -> bool:
        lane = self._lanes.get(call.destination)
        return lane is not None and call.request_id in lane.waiting

    def leave(self, destination: str, request_id: str, now: float) -> OutgoingCall | None:
        """A request was acknowledged, or nobody waits for its answer: the one that may be sent in its place, which is
        none of those whose time is over as well."""
        lane = self._lanes.get(destination)
        if lane is None:
            return None
        lane.waiting.pop(request_id, None)
        lane.sent.discard(request_id)
        while lane.waiting and len(lane.sent) < self._size:
            call = lane.take(now)
            if now < call.deadline:
                lane.sent.add(call.request_id)
                return call
        if not lane.sent:
            del self._lanes[destination]
        return None

    def forget(self, destination: str) -> None:
        """The participant is gone; its calls end."""
        self._lanes.pop(destination, None)

    def clear(self) -> None:
        """All calls end."""
        self._lanes.clear()

    def restart(self, destination: str, now: float) -> list[OutgoingCall]:
        """The participant begins anew and will acknowledge nothing of before: those that may be sent now."""
        lane = self._lanes.get(destination)
        if lane is None:
            return []
        lane.sent.clear()
        calls = [lane.take(now) for _ in range(min(self._size, len(lane.waiting)))]
        lane.sent.update(call.request_id for call in calls)
        if not lane.sent:
            del self._lanes[destination]
        return calls
