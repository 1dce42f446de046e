"""A peer connection that negotiates media without descriptions, as the peer's sections say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from livekit._util.callbacks import ignore
from livekit.webrtc.media_interfaces import Codec, Direction, MediaKind, MediaStreamId
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.rtcp import RtcpPacket, TransportWideFeedback

AUDIO = (
    Codec(payload_type=111, name="opus", clock_rate=48_000, channels=2, parameters="minptime=10"),
    Codec(payload_type=63, name="red", clock_rate=48_000, channels=2, parameters="111/111"),
)
VIDEO = (Codec(payload_type=96, name="VP8", clock_rate=90_000),)


class FakeTransceiver:
    """Implements :class:`livekit.webrtc.media_interfaces.Transceiver`; records what is sent."""

    def __init__(self, kind: MediaKind, number: int, direction: Direction = Direction.INACTIVE) -> None:
        self.on_packet: Callable[[RtpPacket, str], None] = ignore
        self.direction = direction
        self.stream_id: MediaStreamId | None = None
        self.codecs: Sequence[Codec] = ()
        self.extensions: Sequence[str] = ()
        self.ssrc = 1000 + number
        self.kind = kind
        self.mid: str | None = str(number)
        self.current_direction: Direction | None = None
        self.current_codecs: Sequence[Codec] = ()
        self.remote_direction = Direction.INACTIVE
        self.remote_stream_id: MediaStreamId | None = None
        self.remote_codecs: Sequence[Codec] = AUDIO if kind is MediaKind.AUDIO else VIDEO
        self.remote_rids: Sequence[str] = ()
        self.sent: list[tuple[bytes, bytes]] = []

    def extension_id(self, uri: str) -> int | None:
        return 1 if uri in self.extensions else None

    def send(self, packet: RtpPacket) -> bool:
        self.sent.append((packet.header(), packet.payload))
        return True

    def send_serialized(self, header: bytes, payload: bytes, sequence_number: int) -> bool:
        self.sent.append((header, payload))
        return True

    send_again = send_serialized

    def apply(self) -> None:
        """Negotiate what both sides want."""
        remote, names = self.remote_direction, {codec.name for codec in self.codecs}
        sends, receives = self.direction.sends and remote.receives, self.direction.receives and remote.sends
        self.current_direction = Direction.of(sends=sends, receives=receives)
        order = [codec.name for codec in self.codecs]
        common = [codec for codec in self.remote_codecs if codec.name in names]
        self.current_codecs = sorted(common, key=lambda codec: order.index(codec.name))


class FakeConnection:
    """Implements :class:`livekit.webrtc.media_interfaces.MediaConnection`."""

    def __init__(self) -> None:
        self.on_offer: Callable[[], None] = ignore
        self.on_negotiated: Callable[[], None] = ignore
        self.on_rtcp: Callable[[Sequence[RtcpPacket | TransportWideFeedback]], None] = ignore
        self.transceivers: list[FakeTransceiver] = []
        self.rtcp: list[RtcpPacket] = []

    def add_transceiver(
        self, kind: MediaKind, direction: Direction, codecs: Sequence[Codec], *, extensions: Sequence[str] = ()
    ) -> FakeTransceiver:
        transceiver = FakeTransceiver(kind, len(self.transceivers), direction)
        transceiver.codecs, transceiver.extensions = codecs, extensions
        self.transceivers.append(transceiver)
        return transceiver

    def send_rtcp(self, packets: Sequence[RtcpPacket]) -> bool:
        self.rtcp += packets
        return True

    def offered(self, kind: MediaKind = MediaKind.AUDIO, *, track: str | None = None) -> FakeTransceiver:
        """Add a section of the peer: one that it receives in, or sends the track with this id in."""
        section = FakeTransceiver(kind, len(self.transceivers))
        section.remote_direction = Direction.RECVONLY if track is None else Direction.SENDONLY
        section.remote_stream_id = None if track is None else MediaStreamId("-", track)
        self.transceivers.append(section)
        return section
