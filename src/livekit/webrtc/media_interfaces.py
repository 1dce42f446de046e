"""The interfaces of media on a peer connection: transceivers, the codecs they negotiate, and their packets.

A program that exchanges data only never imports this module. Packets are parsed RTP; SRTP, header extensions for the
identification of streams, and the description of sections belong to the implementation.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .interfaces import PeerConnection

if TYPE_CHECKING:
    from .rtp.packet import RtpPacket
    from .rtp.rtcp import RtcpPacket, TransportWideFeedback

__all__ = ["Codec", "Direction", "MediaConnection", "MediaKind", "MediaPeerConnection", "MediaStreamId", "Transceiver"]


class MediaKind(enum.Enum):
    """The media type of an m-line (RFC 8866 section 5.14)."""

    AUDIO = "audio"
    VIDEO = "video"


class Direction(enum.Enum):
    """Direction of a transceiver or section, as its owner sees it (W3C RTCRtpTransceiverDirection)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @classmethod
    def of(cls, *, sends: bool, receives: bool) -> Direction:
        """Return the direction with these two properties."""
        if sends:
            return cls.SENDRECV if receives else cls.SENDONLY
        return cls.RECVONLY if receives else cls.INACTIVE


@dataclass(frozen=True, kw_only=True, slots=True)
class Codec:
    """A codec of a media section: a=rtpmap, a=fmtp and a=rtcp-fb of one payload type."""

    payload_type: int
    name: str
    """The encoding name as in a=rtpmap, such as opus, red, VP8; compare it without regard to case."""
    clock_rate: int
    """Hz."""
    channels: int = 1
    parameters: str = ""
    """The value of a=fmtp without the payload type; empty if absent."""
    feedback: tuple[str, ...] = ()
    """The values of a=rtcp-fb, such as "nack pli" (RFC 4585)."""


@dataclass(frozen=True, slots=True)
class MediaStreamId:
    """The value of a=msid (RFC 8830): a LiveKit server puts "participant sid|track sid" and "track sid" into it."""

    stream: str
    track: str


class Transceiver(Protocol):
    """One media section of a peer connection, in both directions (W3C RTCRtpTransceiver).

    `direction`, `stream_id`, `codecs` and `extensions` are what the local side wants and may be changed at any time;
    they take effect with the next description.
    """

    on_packet: Callable[[RtpPacket, str], None]
    """Called with each packet received for this section, and the rid of its stream (RFC 8851; empty without one).
    Packets of padding only, and those of payload types that were not negotiated, are delivered too."""

    direction: Direction
    stream_id: MediaStreamId | None
    """Described as a=msid while the direction sends."""
    codecs: Sequence[Codec]
    """In order of preference. An offer describes them as they are; an answer has those that the offer has too, under
    the offer's payload types."""
    extensions: Sequence[str]
    """URIs of the RTP header extensions to offer or accept (RFC 8285)."""

    ssrc: int
    """The synchronization source to send with, chosen at random; choose another when the section is used again, for
    another track."""

    @property
    def kind(self) -> MediaKind: ...

    @property
    def mid(self) -> str | None:
        """The section's mid; None until the first description has it."""
        ...

    @property
    def current_direction(self) -> Direction | None:
        """The negotiated direction; None before an answer."""
        ...

    @property
    def current_codecs(self) -> Sequence[Codec]:
        """The negotiated codecs, the most preferred first, with the payload types to send under. Send the first one:
        livekit-server 1.13.5 drops packets of any other."""
        ...

    @property
    def remote_direction(self) -> Direction:
        """The direction in the peer's last description; INACTIVE before one."""
        ...

    @property
    def remote_stream_id(self) -> MediaStreamId | None:
        """a=msid of the peer's last description, or of its a=ssrc lines; None if it has none."""
        ...

    @property
    def remote_codecs(self) -> Sequence[Codec]:
        """All codecs of the peer's last description."""
        ...

    @property
    def remote_rids(self) -> Sequence[str]:
        """The rids that the peer sends: the layers of simulcast (RFC 8853)."""
        ...

    def extension_id(self, uri: str) -> int | None:
        """Return the negotiated identifier of a header extension; None if it was not negotiated."""
        ...

    def send(self, packet: RtpPacket) -> bool:
        """Encrypt and send a packet now. Return False, and drop it, before DTLS is connected or after it closed.

        `packet.ssrc` should be `ssrc`; a sequence number must not be used twice.

        Raises:
            RtpError: A field of the packet is out of its range.
        """
        ...

    def send_serialized(self, header: bytes, payload: bytes, sequence_number: int) -> bool:
        """Encrypt and send a packet whose header is serialized, as `send` does, for forwarding at less cost.

        The header must have `ssrc` and this sequence number; padding, if it announces any, belongs to the payload.
        """
        ...

    def send_again(self, header: bytes, payload: bytes, sequence_number: int) -> bool:
        """Send a packet that was sent before once more, unchanged: the answer to a NACK without RTX.

        Another packet under a used sequence number would disclose both of them and, under AES-GCM, the key.
        """
        ...


class MediaConnection(Protocol):
    """The media part of a peer connection."""

    on_offer: Callable[[], None]
    """Called by `accept_offer` when the peer's sections are known and before the answer is described. Set direction,
    stream and codecs of transceivers here. New sections have transceivers that receive nothing and send nothing, with
    the peer's codecs."""
    on_negotiated: Callable[[], None]
    """Called after each answer, local or remote."""
    on_rtcp: Callable[[Sequence[RtcpPacket | TransportWideFeedback]], None]
    """Called with the packets of each compound RTCP packet from the peer."""

    @property
    def transceivers(self) -> Sequence[Transceiver]:
        """All transceivers, those with a section in the order of sections first."""
        ...

    def add_transceiver(
        self, kind: MediaKind, direction: Direction, codecs: Sequence[Codec], *, extensions: Sequence[str] = ()
    ) -> Transceiver:
        """Add a transceiver; the next offer has a section for it. A section is never removed, only reused."""
        ...

    def send_rtcp(self, packets: Sequence[RtcpPacket]) -> bool:
        """Encrypt and send a compound RTCP packet; return False, and drop it, while DTLS is not connected."""
        ...


class MediaPeerConnection(PeerConnection, MediaConnection, Protocol):
    """A peer connection for data channels and media."""
