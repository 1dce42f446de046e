"""Schedules pings and detects a half-open connection. No I/O, no clock."""

from __future__ import annotations

import enum

__all__ = ["DEFAULT_PING_INTERVAL", "DEFAULT_PING_TIMEOUT", "Keepalive", "KeepaliveAction"]

DEFAULT_PING_INTERVAL = 5.0
DEFAULT_PING_TIMEOUT = 15.0
"""Seconds, if the server does not set them."""


class KeepaliveAction(enum.Enum):
    WAIT = enum.auto()
    PING = enum.auto()
    DEAD = enum.auto()
    """Nothing was received for the ping timeout."""


class Keepalive:
    """Pings every `interval` seconds; the connection is dead if nothing is received for `timeout` seconds."""

    def __init__(self, interval: float, timeout: float, now: float) -> None:
        self.interval = interval if interval > 0 else DEFAULT_PING_INTERVAL
        self.timeout = timeout if timeout > 0 else DEFAULT_PING_TIMEOUT
        self.round_trip_time: float | None = None
        """Seconds, measured by the last answered ping."""
        self._last_received = now
        self._next_ping = now
        self._pending_ping: tuple[int, float] | None = None

    @property
    def next_time(self) -> float:
        """The time at which to call `poll` next."""
        return min(self._next_ping, self._last_received + self.timeout)

    def poll(self, now: float) -> KeepaliveAction:
        """Return the action to take now."""
        if now >= self._last_received + self.timeout:
            return KeepaliveAction.DEAD
        return KeepaliveAction.PING if now >= self._next_ping else KeepaliveAction.WAIT

    def ping_sent(self, timestamp: int, now: float) -> None:
        """Record that a ping with this timestamp was sent."""
        self._pending_ping = timestamp, now
        self._next_ping = now + self.interval

    def message_received(self, now: float) -> None:
        """Record that a message of any kind was received."""
        self._last_received = now

    def pong_received(self, timestamp: int, now: float) -> None:
        """Record a pong with the timestamp of its ping; only the pong to the newest ping is measured."""
        self._last_received = now
        if self._pending_ping is not None and self._pending_ping[0] == timestamp:
            self.round_trip_time = now - self._pending_ping[1]
            self._pending_ping = None
