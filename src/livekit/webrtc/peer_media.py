"""The media part of a peer connection, loaded when it is first used: negotiation, routing and SRTP together."""

from __future__ import annotations

from collections.abc import Sequence

from .media_negotiation import MediaNegotiation
from .media_transport import MediaTransport
from .sdp import MediaSection
from .stream_router import StreamRouter
from .transport import PeerTransport

__all__ = ["PeerMedia"]


class PeerMedia:
    """The transceivers of one peer connection and the path of their packets."""

    def __init__(self, transport: PeerTransport) -> None:
        self._router = StreamRouter()
        self.packets = MediaTransport(self._router, transport.send_media)
        self.negotiation = MediaNegotiation(self.packets)
        transport.use_media(self.packets)

    def answer(self) -> dict[str, MediaSection]:
        """Return the sections of the answer to the peer's offer by mid, and receive according to it."""
        sections = self.negotiation.answer()
        self._router.update(self.negotiation.transceivers)
        return sections

    def receive_answer(self, offered: Sequence[MediaSection], answered: Sequence[MediaSection]) -> None:
        """Apply the peer's answer. Raises SdpError if it does not match the offer."""
        self.negotiation.receive_answer(offered, answered)
        self._router.update(self.negotiation.transceivers)
