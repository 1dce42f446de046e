"""Participants that have not come back yet after our own full reconnect. No I/O, no clock."""

from __future__ import annotations

import math


class ReturningPeers:
    """Participants that were in the room before our full reconnect and are not listed in it since.

    If the server's node was lost, they are reconnecting too: calls wait for them.
    """

    def __init__(self, wait: float) -> None:
        self._wait = wait
        """Seconds, from our return."""
        self._until: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def add(self, identity: str) -> None:
        """Expect a participant, from the moment at which we are online."""
        self._until[identity] = math.inf

    def discard(self, identity: str) -> None:
        """Stop expecting a participant: it is listed, or has left."""
        self._until.pop(identity, None)

    def set_online(self, online: bool, now: float) -> None:
        """Update the connection state: the wait starts online, and starts again after each outage within it."""
        until = now + self._wait if online else math.inf
        self._until = {identity: until for identity, old in self._until.items() if old > now}

    def remaining(self, identity: str, now: float) -> float:
        """Return the seconds to wait for a participant: 0 if it is not expected."""
        return max(0.0, self._until.get(identity, now) - now)
