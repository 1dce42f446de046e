"""Errors that are not about one RPC call.

ConnectError                   joining a room failed
├── ConnectTimeoutError        … within the time allowed
├── AuthenticationError        … the server refused the token
├── ServerUnreachableError     … no connection to the server
├── NotLiveKitError            … what answers is not a LiveKit server
└── PeerConnectionError        … signalling works, WebRTC does not
SessionClosedError             the room is not connected (any more)
└── OutboxFullError            … or so much waits to be sent that it might as well not be
PacketTooLargeError            a packet is over the connection's limit
RequestError                   the server refused what was asked of it
└── RequestTimeoutError        … or did not answer
MediaNotBuiltError             audio and video are not there yet

The tree of call errors is in :mod:`livekit.rpc.errors`.
"""

from __future__ import annotations

__all__ = [
    "AuthenticationError",
    "ConnectError",
    "ConnectTimeoutError",
    "MediaNotBuiltError",
    "NotLiveKitError",
    "OutboxFullError",
    "PacketTooLargeError",
    "PeerConnectionError",
    "RequestError",
    "RequestTimeoutError",
    "ServerUnreachableError",
    "SessionClosedError",
]


class ConnectError(Exception):
    """Joining a room failed; the message says what failed and what to do about it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConnectTimeoutError(ConnectError, TimeoutError):
    """The room was not joined within `RoomOptions.connect_timeout`."""


class AuthenticationError(ConnectError):
    """The server refused the token: wrong key, expired, or without the grant for this room."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status of the refusal."""


class ServerUnreachableError(ConnectError):
    """No connection to the server: its name does not resolve, nothing listens there, or TLS failed."""


class NotLiveKitError(ConnectError):
    """Something answers at this URL, but it is not a LiveKit server."""


class PeerConnectionError(ConnectError):
    """The server admitted us, but no WebRTC connection to it came about (firewall, no usable candidates)."""


class SessionClosedError(RuntimeError):
    """The room is not connected, or not any more."""


class OutboxFullError(SessionClosedError):
    """Too much waits to be sent already; this packet was not taken."""


class PacketTooLargeError(ValueError):
    """A data packet is larger than the connection carries; nothing was sent and the connection stays usable."""


class MediaNotBuiltError(NotImplementedError):
    """Audio and video are not built yet."""

    def __init__(self, what: str = "This") -> None:
        super().__init__(
            f"{what} needs audio or video, which this package does not have yet. RPC, data packets, streams and "
            "everything else that carries data work; for media use the official package `livekit` in its place "
            "(docs/coexistence.md says how to change between the two)."
        )


class RequestError(RuntimeError):
    """The server refused a request."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        """As the protocol names it: NOT_ALLOWED, LIMIT_EXCEEDED, …"""
        self.message = message
        """In the server's words."""


class RequestTimeoutError(RequestError, TimeoutError):
    """The server did not answer a request; whether it did what was asked is not known."""
