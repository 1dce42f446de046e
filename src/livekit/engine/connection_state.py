"""State machine of a connection's lifecycle. No I/O; time and randomness are passed in.

    CONNECTING ──succeeded──▶ CONNECTED
    CONNECTING ──signal disconnected, leave (resume, reconnect)──▶ CONNECTING: the join is retried, up to
                          `MAX_JOIN_ATTEMPTS` attempts
    CONNECTED  ──signal or transport disconnected, address lost, leave (resume)──▶ RESUMING
    CONNECTED  ──leave (reconnect)──▶ REJOINING
    CONNECTED  ──transport failed──▶ AWAITING_LEAVE
    AWAITING_LEAVE ──no leave, signal disconnected, address lost, leave (resume, reconnect)──▶ REJOINING
    RESUMING   ──succeeded──▶ CONNECTED
    RESUMING   ──unreachable──▶ RESUMING, after a delay
    RESUMING   ──failed, leave (reconnect)──▶ REJOINING, without delay
    RESUMING   ──transport failed──▶ REJOINING, after `LEAVE_GRACE`
    REJOINING  ──succeeded──▶ CONNECTED
    REJOINING  ──failed, unreachable──▶ REJOINING, after a delay
    RESUMING, REJOINING ──not connected within `timeout` seconds──▶ CLOSED
    any but CONNECTING ──leave (disconnect), token rejected──▶ CLOSED, unless the leave answers one of our own earlier
                          attempts or reports that we were not ready in time: both count as leave (reconnect)
    any        ──closed by the user──▶ CLOSED

A server that removes a participant sends a leave and closes the peer connections, whose end may arrive first.
AWAITING_LEAVE, which the application does not notice, waits for that leave: until the server has answered a ping sent
after the transport failed, as a leave sent before would have arrived by then, but at least `LEAVE_GRACE` and at most
`LEAVE_TIMEOUT` seconds.

RESUMING keeps the peer connections and opens a new signal connection for the same participant. REJOINING is a full
reconnect (LiveKit's SDKs: restart): everything is opened again, as a new participant of the same identity.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from livekit.protocol import models, rtc

__all__ = [
    "BACKOFF",
    "LEAVE_GRACE",
    "LEAVE_TIMEOUT",
    "MAX_JOIN_ATTEMPTS",
    "MAX_RETRY_AFTER",
    "Attempt",
    "AttemptTimeouts",
    "ConnectionEvent",
    "ConnectionPhase",
    "ConnectionStateMachine",
    "leave_event",
]

BACKOFF = (0.0, 0.3, 0.6, 1.2)
"""Seconds before the first, second, … attempt; the last applies to all later ones. Short, because nothing else reports
that the network is back."""
MIN_JITTER = 0.5
"""Smallest fraction of its back-off that a delay is reduced to, so that clients do not reconnect in lockstep."""
LEAVE_GRACE = 0.25
"""Minimum seconds between the failure of a peer connection and a full reconnect."""
LEAVE_TIMEOUT = 2.0
"""Seconds to wait for a leave if the server answers no ping either."""
STALE_ATTEMPT_WINDOW = 10.0
"""Seconds after a rejoin that took several attempts during which an abandoned one may still reach the server."""
MAX_JOIN_ATTEMPTS = 3
"""Attempts of the first join if it is interrupted."""

MAX_RETRY_AFTER = 30.0
"""Longest delay in seconds that a server can ask for by Retry-After."""

_Reason = models.DisconnectReason
_Action = rtc.LeaveRequest.Action


class ConnectionPhase(enum.Enum):
    CONNECTING = enum.auto()
    CONNECTED = enum.auto()
    AWAITING_LEAVE = enum.auto()
    RESUMING = enum.auto()
    REJOINING = enum.auto()
    CLOSED = enum.auto()


class ConnectionEvent(enum.Enum):
    SUCCEEDED = enum.auto()
    """The join, resume or rejoin succeeded."""
    FAILED = enum.auto()
    """The join, resume or rejoin failed although the server was reached."""
    UNREACHABLE = enum.auto()
    """The server was not reached; it may still know the participant."""
    SIGNAL_DISCONNECTED = enum.auto()
    TRANSPORT_DISCONNECTED = enum.auto()
    """A peer connection receives nothing (RTCPeerConnectionState "disconnected"); an ICE restart may help."""
    TRANSPORT_FAILED = enum.auto()
    """A peer connection is lost for good (RTCPeerConnectionState "failed" or "closed")."""
    NO_LEAVE = enum.auto()
    """The transport failed, and `ConnectionStateMachine.leave_deadline` has passed."""
    ADDRESS_LOST = enum.auto()
    """This host no longer has the local address in use."""
    LEAVE_RESUME = enum.auto()
    LEAVE_RECONNECT = enum.auto()
    LEAVE_DISCONNECT = enum.auto()
    TOKEN_REJECTED = enum.auto()
    """The server rejects every token we have; retrying is futile."""
    TIMED_OUT = enum.auto()
    """Not reconnected within the timeout."""
    CLOSED = enum.auto()
    """Closed by the user."""


_Phase = ConnectionPhase
_Event = ConnectionEvent

_TRANSITIONS: dict[tuple[ConnectionPhase, ConnectionEvent], ConnectionPhase] = {
    (_Phase.CONNECTING, _Event.SUCCEEDED): _Phase.CONNECTED,
    (_Phase.CONNECTED, _Event.SIGNAL_DISCONNECTED): _Phase.RESUMING,
    (_Phase.CONNECTED, _Event.TRANSPORT_DISCONNECTED): _Phase.RESUMING,
    (_Phase.CONNECTED, _Event.ADDRESS_LOST): _Phase.RESUMING,
    (_Phase.CONNECTED, _Event.LEAVE_RESUME): _Phase.RESUMING,
    (_Phase.CONNECTED, _Event.TRANSPORT_FAILED): _Phase.AWAITING_LEAVE,
    (_Phase.CONNECTED, _Event.LEAVE_RECONNECT): _Phase.REJOINING,
    (_Phase.RESUMING, _Event.SUCCEEDED): _Phase.CONNECTED,
    (_Phase.RESUMING, _Event.FAILED): _Phase.REJOINING,
    (_Phase.RESUMING, _Event.TRANSPORT_FAILED): _Phase.REJOINING,
    (_Phase.RESUMING, _Event.LEAVE_RECONNECT): _Phase.REJOINING,
    (_Phase.REJOINING, _Event.SUCCEEDED): _Phase.CONNECTED,
    **{
        (_Phase.AWAITING_LEAVE, event): _Phase.REJOINING
        for event in (
            _Event.NO_LEAVE,
            _Event.SIGNAL_DISCONNECTED,
            _Event.ADDRESS_LOST,
            _Event.LEAVE_RESUME,
            _Event.LEAVE_RECONNECT,
        )
    },
    **{
        (phase, event): _Phase.CLOSED
        for phase in (_Phase.CONNECTED, _Phase.AWAITING_LEAVE, _Phase.RESUMING, _Phase.REJOINING)
        for event in (_Event.LEAVE_DISCONNECT, _Event.TOKEN_REJECTED, _Event.TIMED_OUT)
    },
    **{(phase, _Event.CLOSED): _Phase.CLOSED for phase in _Phase if phase is not _Phase.CLOSED},
}
"""The next phase by phase and event; other events change nothing. While CONNECTING, events that would close the
connection are raised as the error of the join."""

_RETRIES_JOIN = frozenset({_Event.SIGNAL_DISCONNECTED, _Event.LEAVE_RESUME, _Event.LEAVE_RECONNECT})
"""Interruptions after which the first join is retried."""

_LEAVE_EVENTS = {
    _Action.DISCONNECT: _Event.LEAVE_DISCONNECT,
    _Action.RESUME: _Event.LEAVE_RESUME,
    _Action.RECONNECT: _Event.LEAVE_RECONNECT,
}


def leave_event(leave: rtc.LeaveRequest) -> ConnectionEvent:
    """Return the event of a server's leave request; an unknown action means disconnect.

    Older servers set `can_reconnect` where newer ones send the action RECONNECT."""
    if leave.action == _Action.DISCONNECT and leave.can_reconnect:
        return _Event.LEAVE_RECONNECT
    return _LEAVE_EVENTS.get(leave.action, _Event.LEAVE_DISCONNECT)


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptTimeouts:
    """Seconds for each step of an attempt; None for no limit."""

    open: float | None = None
    """Opening the WebSocket."""
    answer: float | None = None
    """Then, waiting for the server to admit us."""
    ready: float | None = None
    """Then, connecting until packets can be sent and received."""


RECONNECT_TIMEOUTS = AttemptTimeouts(open=3.0, answer=3.0, ready=5.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One attempt to join, resume or rejoin."""

    phase: ConnectionPhase
    """Its purpose: CONNECTING, RESUMING or REJOINING."""
    delay: float
    """Seconds to wait before it."""
    number: int
    """1 for the first since the connection was lost."""
    restart_ice: bool = False
    """Restart ICE even if the peer connections seem to be alive."""
    timeouts: AttemptTimeouts = RECONNECT_TIMEOUTS


class ConnectionStateMachine:
    """Tracks a connection's phase and schedules attempts. Times are seconds on a monotonic clock."""

    def __init__(self, *, timeout: float | None, random: Callable[[], float]) -> None:
        """`timeout`: seconds of reconnecting until CLOSED, None for no limit; `random` returns a number from 0 to 1."""
        self.phase = _Phase.CONNECTING
        self.close_reason = _Reason.UNKNOWN_REASON
        """The reason of the event that led to CLOSED."""
        self.leave_deadline = 0.0
        """While AWAITING_LEAVE: when to report NO_LEAVE."""
        self._timeout = timeout
        self._random = random
        self._attempts = 0
        self._lost_at = 0.0
        self._retry_join = True
        self._skip_backoff = False
        self._min_delay = 0.0
        self._restart_ice = False
        self._stale_attempts_until = 0.0

    @property
    def is_reconnecting(self) -> bool:
        return self.phase in {_Phase.RESUMING, _Phase.REJOINING}

    def handle_event(
        self, event: ConnectionEvent, now: float, reason: models.DisconnectReason = _Reason.UNKNOWN_REASON
    ) -> bool:
        """Apply an event; return True if the phase changed. `reason` is kept if it closes the connection."""
        before = self.phase
        if event is _Event.LEAVE_DISCONNECT and self._concerns_one_attempt(reason, now):
            event = _Event.LEAVE_RECONNECT
        if before is _Phase.CONNECTING and event in _RETRIES_JOIN:
            self._retry_join = True
        if event is _Event.ADDRESS_LOST:
            self._restart_ice = True
        self.phase = _TRANSITIONS.get((before, event), before)
        if self.phase is before:
            return False
        if self.phase is _Phase.CLOSED:
            self.close_reason = reason
        elif self.phase is _Phase.CONNECTED:
            several = before is _Phase.REJOINING and self._attempts > 1
            self._stale_attempts_until = now + STALE_ATTEMPT_WINDOW if several else 0.0
            self._attempts = 0
            self._restart_ice = False
        else:
            self._lost_at = now if before is _Phase.CONNECTED else self._lost_at
            self.leave_deadline = now + LEAVE_TIMEOUT
            self._skip_backoff = before is _Phase.RESUMING
            self._min_delay = LEAVE_GRACE if event is _Event.TRANSPORT_FAILED else 0.0
        return True

    def ping_answered(self, now: float) -> None:
        """While AWAITING_LEAVE: the server answered a ping that was sent after the transport failed."""
        self.leave_deadline = max(now, self._lost_at + LEAVE_GRACE)

    def delay_next_attempt(self, seconds: float) -> None:
        """Wait at least `seconds` before the next attempt, as the server asks: up to `MAX_RETRY_AFTER`, and not beyond
        the timeout."""
        self._min_delay = max(self._min_delay, min(seconds, MAX_RETRY_AFTER))

    def _concerns_one_attempt(self, reason: models.DisconnectReason, now: float) -> bool:
        """Return True if a leave ends one attempt rather than the participation: the attempt was not ready in time,
        or it was replaced by an abandoned attempt that reached the server late."""
        if reason == _Reason.JOIN_FAILURE:
            return True
        if reason != _Reason.DUPLICATE_IDENTITY:
            return False
        return now < self._stale_attempts_until or (self.phase is _Phase.REJOINING and self._attempts > 1)

    def next_attempt(self, now: float) -> Attempt | None:
        """Return the next attempt; None if there is nothing to connect, or the timeout has expired."""
        is_first_join = self.phase is _Phase.CONNECTING
        if is_first_join:
            if not self._retry_join or self._attempts >= MAX_JOIN_ATTEMPTS:
                return None
        elif not self.is_reconnecting or (self._timeout is not None and now - self._lost_at >= self._timeout):
            return None
        backoff = 0.0 if self._skip_backoff else BACKOFF[min(self._attempts, len(BACKOFF) - 1)]
        min_delay, self._min_delay = self._min_delay, 0.0
        self._skip_backoff = self._retry_join = False
        self._attempts += 1
        delay = max(backoff * (MIN_JITTER + (1 - MIN_JITTER) * self._random()), min_delay)
        if self._timeout is not None and not is_first_join:
            delay = min(delay, self._lost_at + self._timeout - now)
        return Attempt(
            phase=self.phase,
            delay=delay,
            number=self._attempts,
            restart_ice=self._restart_ice,
            timeouts=AttemptTimeouts() if is_first_join else RECONNECT_TIMEOUTS,
        )
