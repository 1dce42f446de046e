"""States of an association, and how it ends."""

from __future__ import annotations

import enum


class State(enum.Enum):
    """State of an association (RFC 9260 section 4)."""

    CLOSED = "closed"
    COOKIE_WAIT = "cookie-wait"
    COOKIE_ECHOED = "cookie-echoed"
    ESTABLISHED = "established"
    SHUTDOWN_PENDING = "shutdown-pending"
    SHUTDOWN_SENT = "shutdown-sent"
    SHUTDOWN_RECEIVED = "shutdown-received"
    SHUTDOWN_ACK_SENT = "shutdown-ack-sent"


RECEIVING = (State.ESTABLISHED, State.SHUTDOWN_PENDING, State.SHUTDOWN_SENT)
"""DATA is taken from the peer."""
SENDING = (State.ESTABLISHED, State.SHUTDOWN_PENDING, State.SHUTDOWN_RECEIVED)
"""DATA may be sent."""


class CloseReason(enum.Enum):
    """Why an association ended."""

    SHUTDOWN = "shutdown"
    """Both sides closed in order."""
    ABORTED = "aborted"
    """The peer sent ABORT."""
    LOCAL = "local"
    """`abort` was called."""
    PROTOCOL_VIOLATION = "protocol violation"
    """The peer sent what we cannot accept."""
    TIMEOUT = "timeout"
    """The peer did not answer for too long."""
