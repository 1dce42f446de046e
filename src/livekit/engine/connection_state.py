"""The life of a connection as one state machine. No I/O, no clock, no randomness of its own.

    CONNECTING ──succeeded──▶ CONNECTED
    CONNECTING ──signal lost, leave (resume, reconnect)──▶ CONNECTING, and the join is tried again, `JOIN_TRIES` in all
    CONNECTED  ──signal lost, path silent, address gone, leave (resume)──▶ RESUMING
    CONNECTED  ──path failed, leave (reconnect)──▶ REJOINING
    RESUMING   ──succeeded──▶ CONNECTED
    RESUMING   ──unreachable──▶ RESUMING, after a wait
    RESUMING   ──failed, path failed, leave (reconnect)──▶ REJOINING, at once
    REJOINING  ──succeeded──▶ CONNECTED
    REJOINING  ──failed, unreachable──▶ REJOINING, after a wait
    RESUMING, REJOINING ──nothing came of it for `patience` seconds──▶ CLOSED
    any but CONNECTING ──leave (disconnect), token refused──▶ CLOSED; not if it was an echo of our own attempts, or says
                          that we did not come up in time: both count as leave (reconnect)
    any        ──closed by the user──▶ CLOSED

RESUMING keeps the peer connections and opens a new signal connection for the same participant. REJOINING makes
everything anew, as a new participant of the same identity.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from livekit.protocol import models

__all__ = ["JOIN_TRIES", "LADDER", "LEAVE_GRACE", "Attempt", "ConnectionStateMachine", "Event", "Phase", "TimeLimits"]

LADDER = (0.0, 0.3, 0.6, 1.2)
"""Seconds before the first, second, … attempt; the last goes for all that follow. It is short, as nothing else tells
that the network is back."""
SHORTEST_JITTER = 0.5
"""A wait is between this share of its rung and the whole, so that clients do not come back in step."""
LEAVE_GRACE = 0.25
"""Seconds to wait before anything else when a peer connection failed: a server that removes us closes it, and its
`leave`, which comes another way, may be behind."""
ECHO_WINDOW = 10.0
"""Seconds after a rejoin of several attempts in which one of the earlier ones may reach the server yet."""
JOIN_TRIES = 3
"""How often a first join is tried that breaks off."""

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
    """The join, resume or rejoin, though the server was reached."""
    UNREACHABLE = enum.auto()
    """The server was not reached; nothing says that it has forgotten us."""
    SIGNAL_LOST = enum.auto()
    PATH_SILENT = enum.auto()
    """Nothing is heard over a peer connection; an ICE restart may help."""
    PATH_FAILED = enum.auto()
    """A peer connection is lost for good."""
    ADDRESS_GONE = enum.auto()
    """The address of this host that was used is none of its addresses any more."""
    LEAVE_RESUME = enum.auto()
    LEAVE_RECONNECT = enum.auto()
    LEAVE_DISCONNECT = enum.auto()
    REFUSED = enum.auto()
    """The server refuses every token that we have: trying again is in vain."""
    GAVE_UP = enum.auto()
    """Our patience is at its end."""
    CLOSED = enum.auto()
    """By the user."""


_NEXT: dict[tuple[Phase, Event], Phase] = {
    (Phase.CONNECTING, Event.SUCCEEDED): Phase.CONNECTED,
    (Phase.CONNECTED, Event.SIGNAL_LOST): Phase.RESUMING,
    (Phase.CONNECTED, Event.PATH_SILENT): Phase.RESUMING,
    (Phase.CONNECTED, Event.ADDRESS_GONE): Phase.RESUMING,
    (Phase.CONNECTED, Event.LEAVE_RESUME): Phase.RESUMING,
    (Phase.CONNECTED, Event.PATH_FAILED): Phase.REJOINING,
    (Phase.CONNECTED, Event.LEAVE_RECONNECT): Phase.REJOINING,
    (Phase.RESUMING, Event.SUCCEEDED): Phase.CONNECTED,
    (Phase.RESUMING, Event.FAILED): Phase.REJOINING,
    (Phase.RESUMING, Event.PATH_FAILED): Phase.REJOINING,
    (Phase.RESUMING, Event.LEAVE_RECONNECT): Phase.REJOINING,
    (Phase.REJOINING, Event.SUCCEEDED): Phase.CONNECTED,
    **{
        (phase, event): Phase.CLOSED
        for phase in (Phase.CONNECTED, Phase.RESUMING, Phase.REJOINING)
        for event in (Event.LEAVE_DISCONNECT, Event.REFUSED, Event.GAVE_UP)
    },
    **{(phase, Event.CLOSED): Phase.CLOSED for phase in Phase if phase is not Phase.CLOSED},
}
"""Where an event leads; what is not listed changes nothing. While CONNECTING, what closes a connection is the error of
the join."""

_JOIN_AGAIN = frozenset({Event.SIGNAL_LOST, Event.LEAVE_RESUME, Event.LEAVE_RECONNECT})
"""What may break off a join that is worth another try."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeLimits:
    """Seconds for the steps of an attempt. None: as long as it takes."""

    open: float | None = None
    """Until the WebSocket is open."""
    answer: float | None = None
    """From then until the server has admitted us."""
    ready: float | None = None
    """From then until packets can pass."""


RECONNECT_LIMITS = TimeLimits(open=3.0, answer=3.0, ready=5.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One try to get a connection, or to get it back."""

    phase: Phase
    """CONNECTING, RESUMING or REJOINING: what it is a try for."""
    delay: float
    """Seconds to wait before it."""
    number: int
    """1 for the first since the connection was lost."""
    restart_ice: bool = False
    """Even if the path seems to be alive."""
    limits: TimeLimits = RECONNECT_LIMITS


class ConnectionStateMachine:
    """Which phase a connection is in, and what to try next. Times are seconds of any clock that does not go back."""

    def __init__(self, *, patience: float | None, random: Callable[[], float]) -> None:
        """`patience`: seconds to try before giving up, None for ever; `random`: a number from 0 to 1."""
        self.phase = Phase.CONNECTING
        self.close_reason = _Reason.UNKNOWN_REASON
        """Why the phase is CLOSED."""
        self._patience = patience
        self._random = random
        self._tried = 0
        self._lost_at = 0.0
        self._join_again = True
        self._at_once = False
        self._grace = 0.0
        self._restart_ice = False
        self._echo_until = 0.0

    @property
    def recovering(self) -> bool:
        return self.phase in {Phase.RESUMING, Phase.REJOINING}

    def handle(self, event: Event, now: float, reason: models.DisconnectReason = _Reason.UNKNOWN_REASON) -> bool:
        """Take an event; True if the phase changed. `reason` counts for the closing ones."""
        before = self.phase
        if event is Event.LEAVE_DISCONNECT and self._is_for_an_attempt(reason, now):
            event = Event.LEAVE_RECONNECT
        if before is Phase.CONNECTING and event in _JOIN_AGAIN:
            self._join_again = True
        if event is Event.ADDRESS_GONE:
            self._restart_ice = True
        self.phase = _NEXT.get((before, event), before)
        if self.phase is before:
            return False
        if self.phase is Phase.CLOSED:
            self.close_reason = reason
        elif self.phase is Phase.CONNECTED:
            self._echo_until = now + ECHO_WINDOW if before is Phase.REJOINING and self._tried > 1 else 0.0
            self._tried = 0
            self._restart_ice = False
        else:
            self._lost_at = now if before is Phase.CONNECTED else self._lost_at
            self._at_once = before is Phase.RESUMING
            self._grace = LEAVE_GRACE if event is Event.PATH_FAILED else 0.0
        return True

    def _is_for_an_attempt(self, reason: models.DisconnectReason, now: float) -> bool:
        """Whether the server means one attempt and not us: it did not come up in time, or another one took its place
        that we gave up before, and that came through late."""
        if reason == _Reason.JOIN_FAILURE:
            return True
        if reason != _Reason.DUPLICATE_IDENTITY:
            return False
        return now < self._echo_until or (self.phase is Phase.REJOINING and self._tried > 1)

    def next_attempt(self, now: float) -> Attempt | None:
        """What to try next; None if there is nothing to get, or our patience is at its end."""
        connecting = self.phase is Phase.CONNECTING
        if connecting:
            if not self._join_again or self._tried >= JOIN_TRIES:
                return None
        elif not self.recovering or (self._patience is not None and now - self._lost_at >= self._patience):
            return None
        rung = 0.0 if self._at_once else LADDER[min(self._tried, len(LADDER) - 1)]
        grace, self._grace = self._grace, 0.0
        self._at_once = self._join_again = False
        self._tried += 1
        delay = rung * (SHORTEST_JITTER + (1 - SHORTEST_JITTER) * self._random())
        return Attempt(
            phase=self.phase,
            delay=max(delay, grace),
            number=self._tried,
            restart_ice=self._restart_ice,
            limits=TimeLimits() if connecting else RECONNECT_LIMITS,
        )
