"""The life of a connection as one state machine. No I/O, no clock, no randomness of its own.

    CONNECTING ──joined──▶ CONNECTED
    CONNECTED ──signal lost, path silent, server says resume──▶ RESUMING
    CONNECTED ──path failed, server says reconnect──▶ REJOINING
    RESUMING ──succeeded──▶ CONNECTED
    RESUMING ──server not reached──▶ RESUMING, until the attempts are used up ──▶ CLOSED
    RESUMING ──failed, path failed, server says reconnect──▶ REJOINING, at once
    REJOINING ──succeeded──▶ CONNECTED
    REJOINING ──failed──▶ REJOINING, until the attempts are used up ──▶ CLOSED
    any ──server says disconnect, closed by the user, token refused──▶ CLOSED

RESUMING keeps the peer connections and opens a new signal connection for the same participant. REJOINING makes
everything anew, as a new participant of the same identity.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from livekit.protocol import models

__all__ = ["LADDER", "LEAVE_GRACE", "Attempt", "ConnectionLife", "Event", "Phase"]

LADDER = (0.0, 0.3, 1.2, 2.7, 4.8, 7.0)
"""Seconds before the first, second, … attempt; the last goes for all that follow."""
LEAVE_GRACE = 0.25
"""Seconds to wait before anything else when a peer connection failed: a server that removes us closes it, and its
`leave`, which comes another way, may be behind."""
SHORTEST_JITTER = 0.5
"""A wait is between this share of its rung and the whole, so that clients do not come back in step."""

_Reason = models.DisconnectReason


class Phase(enum.Enum):
    CONNECTING = enum.auto()
    CONNECTED = enum.auto()
    RESUMING = enum.auto()
    REJOINING = enum.auto()
    CLOSED = enum.auto()


class Event(enum.Enum):
    SUCCEEDED = enum.auto()
    """The join, resume or rejoin."""
    FAILED = enum.auto()
    """The resume or rejoin, though the server was reached."""
    UNREACHABLE = enum.auto()
    """The server was not reached; nothing says that it has forgotten us."""
    SIGNAL_LOST = enum.auto()
    PATH_SILENT = enum.auto()
    """Nothing is heard over a peer connection; an ICE restart may help."""
    PATH_FAILED = enum.auto()
    """A peer connection is lost for good."""
    LEAVE_RESUME = enum.auto()
    LEAVE_RECONNECT = enum.auto()
    LEAVE_DISCONNECT = enum.auto()
    REFUSED = enum.auto()
    """The server refuses the token: trying again is in vain."""
    GAVE_UP = enum.auto()
    """The attempts are used up."""
    CLOSED = enum.auto()
    """By the user."""


_NEXT: dict[tuple[Phase, Event], Phase] = {
    (Phase.CONNECTING, Event.SUCCEEDED): Phase.CONNECTED,
    (Phase.CONNECTED, Event.SIGNAL_LOST): Phase.RESUMING,
    (Phase.CONNECTED, Event.PATH_SILENT): Phase.RESUMING,
    (Phase.CONNECTED, Event.PATH_FAILED): Phase.REJOINING,
    (Phase.CONNECTED, Event.LEAVE_RESUME): Phase.RESUMING,
    (Phase.CONNECTED, Event.LEAVE_RECONNECT): Phase.REJOINING,
    (Phase.RESUMING, Event.SUCCEEDED): Phase.CONNECTED,
    (Phase.RESUMING, Event.FAILED): Phase.REJOINING,
    (Phase.RESUMING, Event.PATH_FAILED): Phase.REJOINING,
    (Phase.RESUMING, Event.LEAVE_RECONNECT): Phase.REJOINING,
    (Phase.REJOINING, Event.SUCCEEDED): Phase.CONNECTED,
}
"""Where an event leads. The closing events close every phase; what is not listed changes nothing."""

_CLOSING = frozenset({Event.LEAVE_DISCONNECT, Event.REFUSED, Event.GAVE_UP, Event.CLOSED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One try to get the connection back."""

    phase: Phase
    """RESUMING or REJOINING."""
    delay: float
    """Seconds to wait before it."""
    number: int
    """1 for the first since the connection was lost."""


class ConnectionLife:
    """Which phase a connection is in, and what to try next."""

    def __init__(self, *, attempts: int | None, random: Callable[[], float]) -> None:
        """`attempts`: how often to try before giving up, None for ever; `random`: a number from 0 to 1."""
        self.phase = Phase.CONNECTING
        self.close_reason = _Reason.UNKNOWN_REASON
        """Why the phase is CLOSED."""
        self._attempts = attempts
        self._random = random
        self._tried = 0
        self._at_once = False
        self._grace = 0.0

    @property
    def recovering(self) -> bool:
        return self.phase in {Phase.RESUMING, Phase.REJOINING}

    def handle(self, event: Event, reason: models.DisconnectReason = _Reason.UNKNOWN_REASON) -> bool:
        """Take an event; True if the phase changed. `reason` counts for the closing ones."""
        before = self.phase
        if before is Phase.CLOSED:
            return False
        if event in _CLOSING:
            self.phase, self.close_reason = Phase.CLOSED, reason
            return True
        self.phase = _NEXT.get((before, event), before)
        if self.phase is Phase.CONNECTED:
            self._tried = 0
        changed = self.phase is not before
        if changed:
            self._at_once = before is Phase.RESUMING
            self._grace = LEAVE_GRACE if event is Event.PATH_FAILED else 0.0
        return changed

    def next_attempt(self) -> Attempt | None:
        """What to try next; None if there is nothing to get back, or the attempts are used up."""
        if not self.recovering or (self._attempts is not None and self._tried >= self._attempts):
            return None
        rung = 0.0 if self._at_once else LADDER[min(self._tried, len(LADDER) - 1)]
        self._at_once = False
        grace, self._grace = self._grace, 0.0
        self._tried += 1
        delay = rung * (SHORTEST_JITTER + (1 - SHORTEST_JITTER) * self._random())
        return Attempt(phase=self.phase, delay=max(delay, grace), number=self._tried)
