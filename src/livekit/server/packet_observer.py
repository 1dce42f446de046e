"""How something looks on while packets pass through the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from livekit.protocol import models

if TYPE_CHECKING:
    from .participant import Participant
    from .room import Room


class PacketObserver(Protocol):
    """Told of every packet in the middle of forwarding it: must neither raise, block, change it, nor call back."""

    def forwarded(
        self,
        room: Room,
        sender: Participant,
        receivers: Sequence[Participant],
        packet: models.DataPacket,
        size: int,
        now: float,
    ) -> None:
        """A packet of `size` bytes goes from one participant to others."""
        ...

    def track_forwarded(self, sender: Participant, receivers: Sequence[Participant], size: int, now: float) -> None:
        """A packet of a data track goes to who subscribed to it."""
        ...

    def sent_by_server(self, room: Room, packet: models.DataPacket, size: int, now: float) -> None:
        """A packet of the server itself, with the sender that the receivers are told, goes to its destinations."""
        ...
