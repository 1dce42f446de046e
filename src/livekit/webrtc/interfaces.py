"""The interfaces between the engine and WebRTC: a peer connection and its data channels.

Everything above this module depends on these protocols only; :mod:`livekit.webrtc` chooses the implementation, an ICE,
DTLS and SCTP stack. Callbacks are plain attributes, called on the event loop and never concurrently. An exception in a
callback must not stop the receive path: implementations log it and continue.
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
    """The peer has not responded for a while; may recover spontaneously or through an ICE restart."""
    FAILED = "failed"
    """Consent expired (RFC 7675), the DTLS handshake failed or the peer aborted."""
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelOptions:
    """Parameters of a data channel (RFC 8832 section 5.1)."""

    label: str
    ordered: bool = True
    max_retransmits: int | None = None
    """None for a reliable channel; 0 sends each message once, without retransmission (RFC 3758)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IceServerSettings:
    """STUN or TURN servers that share credentials (RFC 7064, RFC 7065; W3C RTCIceServer)."""

    urls: Sequence[str]
    username: str = ""
    credential: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PeerOptions:
    """Configuration of a peer connection (W3C RTCConfiguration)."""

    ice_servers: Sequence[IceServerSettings] = ()
    relay_only: bool = False
    """Use relayed candidates only, which hides local addresses (RTCIceTransportPolicy relay)."""
    node_ips: Sequence[str] = ()
    """IP addresses to announce in host candidates in place of this host's own, such as those of a NAT or a container's
    host that forwards the ports."""
    active_tcp: bool = True
    """Connect to the passive ICE-TCP candidates of the peer (RFC 6544)."""
    consent_timeout: float = 5.0
    """Seconds without a response to consent checks until the state is FAILED (RFC 7675)."""


class ChannelError(Exception):
    """Raised if a message cannot be sent: the channel is not open, or the message is longer than the peer accepts."""


class DataChannel(Protocol):
    """A data channel (RFC 8831). Messages are binary; text messages from the peer are delivered as UTF-8 bytes."""

    on_open: Callable[[], None]
    on_message: Callable[[bytes], None]
    on_close: Callable[[], None]
    on_buffered_amount_low: Callable[[], None]
    """Called when `buffered_amount` falls from above `buffered_amount_low_threshold` to that or below."""

    @property
    def buffered_amount_low_threshold(self) -> int:
        """Bytes; 0 by default."""
        ...

    @buffered_amount_low_threshold.setter
    def buffered_amount_low_threshold(self, value: int) -> None: ...

    @property
    def label(self) -> str: ...

    @property
    def is_open(self) -> bool: ...

    @property
    def buffered_amount(self) -> int:
        """Bytes queued by `send` that have not been sent to the network."""
        ...

    @property
    def send_window(self) -> int:
        """Send window in bytes. Buffering more than twice this only adds latency."""
        ...

    def send(self, data: bytes, on_delivered: Callable[[], None] | None = None) -> None:
        """Queue a message without blocking.

        `on_delivered` is called once, when the peer's transport has acknowledged the whole message; a transport that
        does not report acknowledgements calls it when the message is sent. It is not called if the channel closes
        first.

        Raises:
            ChannelError: the channel is not open, or `data` is longer than the peer accepts. An open channel remains
                usable.
        """
        ...


class PeerConnection(Protocol):
    """One ICE and DTLS transport with an SCTP association and its data channels."""

    on_state: Callable[[PeerState], None]
    on_channel: Callable[[DataChannel], None]
    """Called with a channel that the peer opened. Set the channel's callbacks before returning."""
    on_candidate: Callable[[str | None], None]
    """Called with a local candidate as the JSON of RTCIceCandidateInit, and with None after the last (trickle ICE,
    RFC 8838). Candidates in the local description are not repeated."""

    @property
    def state(self) -> PeerState: ...

    @property
    def max_message_size(self) -> int:
        """Longest message that the peer accepts, in bytes (RFC 8841); 65,536 until its description is set."""
        ...

    @property
    def round_trip_time(self) -> float | None:
        """Smoothed round-trip time of the transport in seconds; None before the first measurement."""
        ...

    def use_ice_servers(self, servers: Sequence[IceServerSettings]) -> None:
        """Add STUN and TURN servers, also after the first offer; candidates gathered from them trickle."""
        ...

    def create_channel(self, options: ChannelOptions) -> DataChannel:
        """Create a channel. It opens once the association is established; it may be created before the first offer."""
        ...

    async def create_offer(self, *, ice_restart: bool = False) -> str:
        """Gather host candidates, set the local description to an offer and return it as SDP."""
        ...

    async def accept_offer(self, sdp: str) -> str:
        """Set the remote offer and the local answer, and return the answer as SDP.

        A later offer on the same connection renegotiates, with an ICE restart if its ICE credentials are new. Media
        sections are answered as inactive.

        Raises:
            ValueError: the description is malformed or lacks an attribute that data channels need.
        """
        ...

    async def accept_answer(self, sdp: str) -> None:
        """Set the remote answer to the last offer.

        Raises:
            ValueError: there was no offer, or the description is rejected as in `accept_offer`.
        """
        ...

    async def add_candidate(self, candidate: str | None) -> None:
        """Add a remote candidate, the JSON of RTCIceCandidateInit; None means end of candidates.

        Unusable candidates are ignored. Candidates that arrive before the remote description are kept until it is set.
        """
        ...

    async def close(self) -> None:
        """Close the connection and release its sockets. Idempotent; allowed in any state."""
        ...
