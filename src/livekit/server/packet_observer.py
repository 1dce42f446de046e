"""Interface of observers of the packets that pass through the rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from livekit._util.isolation import isolated
from livekit.protocol import models

from .participant import Participant


class ObservedRoom(Protocol):
    """The part of a room that observers of its packets may read."""

    @property
    def name(self) -> str: ...

    @property
    def participants(self) -> Mapping[str, Participant]:
        """Participants by identity."""
        ...


class PacketObserver(Protocol):
    """Called for every packet while it is being forwarded.

    Implementations must not block, modify the packet, or call into the room. Their exceptions are logged.
    """

    def forwarded(
        self,
        room: ObservedRoom,
        sender: Participant,
        receivers: Sequence[Participant],
        packet: models.DataPacket,
        size: int,
        now: float,
    ) -> None:
        """A data packet of `size` bytes is forwarded from one participant to others."""
        ...

    def track_forwarded(self, sender: Participant, receivers: Sequence[Participant], size: int, now: float) -> None:
        """A data track packet of `size` bytes is forwarded to the subscribers of the track."""
        ...

    def sent_by_server(self, room: ObservedRoom, packet: models.DataPacket, size: int, now: float) -> None:
        """The server sends a data packet that it has created; `packet` has the sender that its receivers see."""
        ...


class IsolatedPacketObserver:
    """Calls another observer and logs its exceptions: packets are forwarded nevertheless."""

    def __init__(self, observer: PacketObserver) -> None:
        name = "an observer of the packets"
        self.forwarded = isolated(observer.forwarded, name)
        self.track_forwarded = isolated(observer.track_forwarded, name)
        self.sent_by_server = isolated(observer.sent_by_server, name)
