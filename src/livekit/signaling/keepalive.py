"""When to ping the server, and when to give it up. No I/O, no clock."""

from __future__ import annotations

import enum

__all__ = ["DEFAULT_PING_INTERVAL", "DEFAULT_PING_TIMEOUT", "Keepalive", "KeepaliveAction"]

DEFAULT_PING_INTERVAL = 5.0
DEFAULT_PING_TIMEOUT = 15.0
"""Seconds, where the server names none."""


class KeepaliveAction(enum.Enum):
    WAIT = enum.auto()
    PING = enum.auto()
    DEAD = enum.auto()
    """Nothing was heard for the ping timeout."""


class Keepalive:
    """Pings every `interval` seconds; silence of `timeout` seconds is the connection's end."""

    def __init__(self, interval: float, timeout: float, now: float) -> None:
        self.interval = interval if interval > 0 else DEFAULT_PING_INTERVAL
        self.timeout = timeout if timeout > 0 else DEFAULT_PING_TIMEOUT
        self.round_trip_time: float | None = None
        """Seconds, of the last ping that was answered."""
        self._heard = now
        self._next_ping = now
        self._pinged: tuple[int, float] | None = None

    @property
    def next_time(self) -> float:
        """When to call `poll` next."""
        return min(self._next_ping, self._heard + self.timeout)

    def poll(self, now: float) -> KeepaliveAction:
        if now >= self._heard + self.timeout:
            return KeepaliveAction.DEAD
        return KeepaliveAction.PING if now >= self._next_ping else KeepaliveAction.WAIT

    def pinged(self, timestamp: int, now: float) -> None:
        """A ping with this timestamp goes out."""
        self._pinged = timestamp, now
        self._next_ping = now + self.interval

    def heard(self, now: float) -> None:
        """Any message is a sign of life."""
        self._heard = now

    def answered(self, timestamp: int, now: float) -> None:
        """A pong that names the ping's timestamp came; one to an older ping measures nothing."""
        self._heard = now
        if self._pinged is not None and self._pinged[0] == timestamp:
            self.round_trip_time = now - self._pinged[1]
            self._pinged = None
