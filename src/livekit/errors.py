"""Exceptions of connecting, sending and server requests.

::

    Exception
    ├── ConnectError                    joining a room failed
    │   ├── ConnectTimeoutError         … within `RoomOptions.connect_timeout` (also a TimeoutError)
    │   ├── AuthenticationError         … the server refused the token
    │   ├── ServerUnreachableError      … DNS, TCP or TLS failed, or the server cannot serve now (HTTP 408, 429, 5xx)
    │   │   └── ProxyError              … the proxy in between is not reachable or refuses
    │   ├── ResourceExhaustedError      … this process or machine has no file descriptors or memory left
    │   ├── NotLiveKitError             … the peer does not speak LiveKit's protocol
    │   └── PeerConnectionError         … signaling works, but no WebRTC connection was established
    ├── RuntimeError
    │   ├── SessionClosedError          the room is not connected
    │   │   └── OutboxFullError         … or its send queue is full
    │   ├── EventLoopError              used from another thread or event loop
    │   └── RequestError                the server refused a request
    │       └── RequestTimeoutError     … or did not answer it (also a TimeoutError)
    ├── ValueError
    │   └── PacketTooLargeError         a packet exceeds the maximum message size
    ├── ImportError
    │   └── OpusNotFoundError           there is no libopus, which audio needs
    ├── NotImplementedError
    │   └── MediaNotBuiltError          audio and video are not implemented
    └── AudioCaptureError               an `AudioSource` refused a frame

`livekit.rpc.errors` has the exceptions of RPC calls.
"""

from __future__ import annotations

__all__ = [
    "AudioCaptureError",
    "AuthenticationError",
    "ConnectError",
    "ConnectTimeoutError",
    "EventLoopError",
    "MediaNotBuiltError",
    "NotLiveKitError",
    "OpusNotFoundError",
    "OutboxFullError",
    "PacketTooLargeError",
    "PeerConnectionError",
    "ProxyError",
    "RequestError",
    "RequestTimeoutError",
    "ResourceExhaustedError",
    "ServerUnreachableError",
    "SessionClosedError",
]


class ConnectError(Exception):
    """Joining a room failed. The message says why and what to do about it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConnectTimeoutError(ConnectError, TimeoutError):
    """The room was not joined within `RoomOptions.connect_timeout`."""


class AuthenticationError(ConnectError):
    """The server refused the token: signed with another key, expired, or without a grant for this room."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status of the refusal."""


class ServerUnreachableError(ConnectError):
    """The server cannot be reached: its name does not resolve, the connection is refused, TLS fails, or it cannot serve
    the request now (HTTP 408, 429, 5xx)."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which the server asks to try again (Retry-After); None if it does not."""


class ProxyError(ServerUnreachableError):
    """The HTTP proxy that HTTP_PROXY or HTTPS_PROXY names is not reachable, refuses the connection, or is not an HTTP
    proxy."""

    def __init__(
        self, message: str, proxy: str = "", status: int | None = None, *, retry_after: float | None = None
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.proxy = proxy
        """The proxy, without its password."""
        self.status = status
        """HTTP status of its refusal; None if it did not answer."""


class ResourceExhaustedError(ConnectError, OSError):
    """This process or machine has no file descriptors, memory or socket buffers left."""

    def __init__(self, message: str, errno: int | None = None) -> None:
        super().__init__(message)
        self.errno = errno


class NotLiveKitError(ConnectError):
    """The server at this URL does not speak LiveKit's protocol."""


class PeerConnectionError(ConnectError):
    """The server accepted the token, but no WebRTC connection to it was established, for example because a firewall
    blocks it or no pair of ICE candidates works."""


class SessionClosedError(RuntimeError):
    """The room is not connected: not yet, or no longer."""


class EventLoopError(RuntimeError):
    """A room, stream or server was used outside the event loop that it belongs to."""


class OutboxFullError(SessionClosedError):
    """The send queue is full; this packet was not queued."""


class PacketTooLargeError(ValueError):
    """A data packet exceeds the connection's maximum message size. It was not sent; the connection stays usable."""


class MediaNotBuiltError(NotImplementedError):
    """Audio and video are not implemented."""

    def __init__(self, feature: str = "This") -> None:
        super().__init__(
            f"{feature} needs audio or video, which this package does not implement. Everything that carries data "
            "works: RPC, data packets, data tracks and streams. For media, install the official package `livekit` "
            "instead (docs/coexistence.md explains how to switch between the two)."
        )


class OpusNotFoundError(ImportError):
    """There is no libopus, which audio is encoded with."""

    def __init__(self) -> None:
        super().__init__(
            "libopus was not found: install the extra with `pip install 'livekit-pure[audio]'`, "
            "or the system's package (libopus0, opus)"
        )


class AudioCaptureError(Exception):
    """An `AudioSource` refused a frame."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"an RtcError occurred: InvalidState - {reason}")  # as in the official SDK


class RequestError(RuntimeError):
    """The server refused a request, such as a change of metadata."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        """The protocol's name for it: NOT_ALLOWED, LIMIT_EXCEEDED, …"""
        self.message = message
        """The server's explanation."""


class RequestTimeoutError(RequestError, TimeoutError):
    """The server did not answer a request in time; it may or may not have carried it out."""
