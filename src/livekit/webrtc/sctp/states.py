"""States of an association, and the reasons for its end."""

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


SETTING_UP = (State.CLOSED, State.COOKIE_WAIT, State.COOKIE_ECHOED)
"""The handshake has not completed."""
RECEIVING = (State.ESTABLISHED, State.SHUTDOWN_PENDING, State.SHUTDOWN_SENT)
"""DATA is accepted from the peer."""
SENDING = (State.ESTABLISHED, State.SHUTDOWN_PENDING, State.SHUTDOWN_RECEIVED)
"""DATA may be sent."""


class CloseReason(enum.Enum):
    """Reason for the end of an association."""

    SHUTDOWN = "shutdown"
    """Graceful shutdown (RFC 9260 section 9.2)."""
    ABORTED = "aborted"
    """The peer sent ABORT (RFC 9260 section 9.1)."""
    LOCAL = "local"
    """`abort` was called."""
    PROTOCOL_VIOLATION = "protocol violation"
    """The peer sent an invalid INIT ACK, or a message over `MAX_MESSAGE_SIZE`."""
    TIMEOUT = "timeout"
    """The peer left all retransmissions unanswered (RFC 9260 section 8.1)."""
