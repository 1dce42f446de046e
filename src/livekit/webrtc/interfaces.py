"""The port between a session and WebRTC: one peer connection that carries data channels.

Everything above this file speaks to these protocols only; what fills them (an ICE, DTLS and SCTP stack) is
chosen in :mod:`livekit.webrtc`. Callbacks are plain attributes, called on the event loop, never concurrently.
A callback that raises must not stop the receive path: implementations log the exception and go on.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class PeerState(enum.Enum):
    """State of a peer connection (W3C WebRTC 1.0, RTCPeerConnectionState)."""

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    """Nothing was heard for a while; may recover by itself or by an ICE restart."""
    FAILED = "failed"
    """Lost for good: consent expired (RFC 7675), the handshake failed or the peer aborted."""
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelOptions:
    """How a data channel is opened (RFC 8832 section 5.1)."""

    label: str
    ordered: bool = True
    max_retransmits: int | None = None
    """None for a reliable channel; 0 sends every message once (RFC 3758)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IceServerSettings:
    """A STUN or TURN server (RFC 7064, RFC 7065)."""

    urls: Sequence[str]
    username: str = ""
    credential: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PeerOptions:
    """How a peer connection reaches the other side."""

    ice_servers: Sequence[IceServerSettings] = ()
    relay_only: bool = False
    """Use TURN candidates only."""
    consent_timeout: float = 5.0
    """Seconds without an answer to consent checks until the state is FAILED."""


class ChannelError(Exception):
    """A message cannot be sent on this channel: it is not open, or the message is over the peer's limit."""


class DataChannel(Protocol):
    """One data channel (RFC 8831). Messages are binary; text messages arrive encoded as UTF-8."""

    on_open: Callable[[], None]
    on_message: Callable[[bytes], None]
    on_close: Callable[[], None]
    on_buffered_amount_low: Callable[[], None]
    """Called when `buffered_amount` falls to `buffered_amount_low_threshold` or below, having been above it."""

    @property
    def buffered_amount_low_threshold(self) -> int:
        """Bytes; 0 unless set."""
        ...

    @buffered_amount_low_threshold.setter
    def buffered_amount_low_threshold(self, value: int) -> None: ...

    @property
    def label(self) -> str: ...

    @property
    def is_open(self) -> bool: ...

    @property
    def buffered_amount(self) -> int:
        """Bytes accepted by `send` that have not been put on the wire."""
        ...

    @property
    def send_window(self) -> int:
        """Bytes that may be on the path at a time, as it is now. What waits in the channel beyond as much again makes
        nothing faster, and what comes later wait longer."""
        ...

    def send(self, data: bytes, on_delivered: Callable[[], None] | None = None) -> None:
        """Queue one message; never blocks.

        `on_delivered` is called once, when the peer's transport has confirmed the whole message. A transport that
        cannot tell calls it when the message was put on the wire. It is not called if the channel closes first.

        Raises:
            ChannelError: the channel is not open, or `data` is longer than the peer accepts. The channel stays usable.
        """
        ...


class PeerConnection(Protocol):
    """One ICE, DTLS and SCTP association and its data channels."""

    on_state: Callable[[PeerState], None]
    on_channel: Callable[[DataChannel], None]
    """A channel that the other side opened; set its callbacks before returning."""
    on_candidate: Callable[[str | None], None]
    """A local candidate as the JSON of RTCIceCandidateInit; None after the last. Candidates that are already part of
    the description are not repeated."""

    @property
    def state(self) -> PeerState: ...

    @property
    def max_message_size(self) -> int:
        """The longest message the other side accepts, in bytes (RFC 8841); 65,536 until its description is known."""
        ...

    @property
    def round_trip_time(self) -> float | None:
        """Smoothed round trip of the transport in seconds; None before the first measurement."""
        ...

    def use_ice_servers(self, servers: Sequence[IceServerSettings]) -> None:
        """Use STUN and TURN servers that became known after the first offer; their candidates trickle."""
        ...

    def create_channel(self, options: ChannelOptions) -> DataChannel:
        """Open a channel; before the first offer it becomes part of that offer's association."""
        ...

    async def create_offer(self, *, ice_restart: bool = False) -> str:
        """Gather, set the local description and return it as SDP."""
        ...

    async def accept_offer(self, sdp: str) -> str:
        """Set the remote offer and the local answer; return the answer as SDP.

        An offer may be repeated on a live connection, with or without new ICE credentials (an ICE restart).
        Media sections that are not taken are answered as inactive.

        Raises:
            ValueError: the description cannot be read or lacks what a data-channel connection needs.
        """
        ...

    async def accept_answer(self, sdp: str) -> None:
        """Set the remote answer to the last offer. Raises ValueError as `accept_offer` does."""
        ...

    async def add_candidate(self, candidate: str | None) -> None:
        """Add a remote candidate (JSON of RTCIceCandidateInit); None for the end. Unusable ones are ignored;
        candidates that come before the remote description wait for it."""
        ...

    async def close(self) -> None:
        """Close everything and wait until it is; safe to call twice and in any state."""
        ...
