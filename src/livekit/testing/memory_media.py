"""The media part of an in-memory peer connection: the real negotiation and routing, with packets on a `MemoryPipe`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from livekit._util.callbacks import ignore
from livekit.webrtc.media_negotiation import MediaNegotiation
from livekit.webrtc.negotiation import data_media_section
from livekit.webrtc.rtp.packet import RtpError, RtpPacket
from livekit.webrtc.rtp.rtcp import RtcpPacket, TransportWideFeedback, decode_compound, encode_compound
from livekit.webrtc.sdp import MediaSection, SessionDescription
from livekit.webrtc.stream_router import StreamRouter

from .memory_link import MemoryLink, MemoryPipe

__all__ = ["MemoryMedia", "media_sections"]

logger = logging.getLogger("livekit.testing")


class MemoryMedia:
    """Transceivers of one peer, and their packets. They are serialized, but not encrypted."""

    def __init__(self) -> None:
        self.on_rtcp: Callable[[Sequence[RtcpPacket | TransportWideFeedback]], None] = ignore
        self.negotiation = MediaNegotiation(self)
        self._sections = [data_media_section()]
        self._router = StreamRouter()
        self._pipe: MemoryPipe[tuple[bytes, bool]] | None = None

    # Descriptions

    def offer(self) -> str:
        """Return the sections of an offer."""
        self.negotiation.add_sections(self._sections)
        return self._describe(self.negotiation.offered_sections())

    def receive_offer(self, sections: list[MediaSection]) -> None:
        """Take the peer's sections. Raises SdpError."""
        self.negotiation.receive_offer(sections, [section.mid or "" for section in sections])
        self._sections = sections

    def answer(self) -> str:
        """Return the sections of the answer to `receive_offer`, and apply them."""
        answer = self._describe(self.negotiation.answer())
        self._router.update(self.negotiation.transceivers)
        return answer

    def receive_answer(self, sections: list[MediaSection]) -> None:
        """Apply the peer's answer. Raises SdpError."""
        if sections:  # a peer without media answers without sections
            self.negotiation.receive_answer(self._sections, sections)
            self._router.update(self.negotiation.transceivers)

    def _describe(self, media: dict[str, MediaSection]) -> str:
        description = SessionDescription.new(1, 1)
        description.media = [media.get(section.mid or "") or _inactive(section) for section in self._sections]
        return str(description)

    # Packets

    def connect(self, link: MemoryLink, remote: Callable[[], MemoryMedia | None]) -> None:
        """Deliver packets to the peer's media over `link`."""

        def deliver(item: tuple[bytes, bool]) -> None:
            media = remote()
            if media is not None:
                media.receive(*item)

        self._pipe = link.pipe(deliver, lossy=True, duplicates=True)

    def cut(self) -> None:
        """Silently drop everything sent from now on."""
        if self._pipe is not None:
            self._pipe.cut = True

    def close(self) -> None:
        """Send nothing any more, and drop packets in flight."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def receive(self, data: bytes, is_rtcp: bool) -> None:
        """Deliver a packet to its transceiver or to `on_rtcp`."""
        try:
            if is_rtcp:
                self.on_rtcp(decode_compound(data))
                return
            packet = RtpPacket.parse(data)
        except RtpError as error:
            logger.debug("dropped a packet: %s", error)
            return
        stream = self._router.route(packet)
        if stream is not None:
            stream[0].on_packet(packet, stream[1])

    def send(self, packet: RtpPacket) -> bool:
        """Send a packet; return False while the peers are not connected."""
        return self._put(packet.serialize(), is_rtcp=False)

    def send_serialized(self, header: bytes, payload: bytes, ssrc: int, sequence_number: int) -> bool:
        """Send a packet with a serialized header."""
        return self._put(header + payload, is_rtcp=False)

    def send_again(self, header: bytes, payload: bytes, ssrc: int, sequence_number: int) -> bool:
        """Send a packet once more."""
        return self._put(header + payload, is_rtcp=False)

    def send_rtcp(self, packets: Sequence[RtcpPacket]) -> bool:
        """Send a compound packet; return False while the peers are not connected."""
        return bool(packets) and self._put(encode_compound(packets), is_rtcp=True)

    def _put(self, data: bytes, *, is_rtcp: bool) -> bool:
        if self._pipe is None:
            return False
        self._pipe.put((data, is_rtcp), len(data))
        return True


def media_sections(sdp: str) -> list[MediaSection]:
    """Return the sections of a description. Raises SdpError."""
    return SessionDescription.parse(sdp).media


def _inactive(section: MediaSection) -> MediaSection:
    """Return a section without media: that of data channels, or one that is not used."""
    inactive = MediaSection(section.kind, section.port, section.protocol, list(section.formats))
    inactive.attributes.add("mid", section.mid or "")
    if section.is_audio_or_video:
        inactive.attributes.add("inactive")
    return inactive
