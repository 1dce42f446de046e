"""How the core of the server reaches a participant, whatever connects it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from livekit.protocol import rtc

if TYPE_CHECKING:
    from .room import Room


class ParticipantLink(Protocol):
    """The way to one participant: WebSocket and peer connections, or queues in memory.

    A link lives as long as its participant and survives the loss of the signal connection. None of its methods
    blocks or raises, and none calls back into the core before it returns.
    """

    def send_signal(self, message: rtc.SignalResponse) -> None:
        """Send a signal message; it is lost while the signal connection is."""
        ...

    def send_packet(self, data: bytes, *, reliable: bool, sender: str = "") -> bool:
        """Send a serialised data packet, those of one sender in order; senders whose reliable packets have to wait take
        turns. False: the participant is too slow to take a reliable one."""
        ...

    @property
    def backlog(self) -> int:
        """Bytes of reliable packets that wait for the participant to take them."""
        ...

    def send_track_packet(self, data: bytes) -> None:
        """Send a packet of a data track; lost where there is no channel for them, or no room in it."""
        ...

    def drop_signal(self) -> None:
        """The signal connection is dead: close it. The participant may resume on a new one."""
        ...

    def restart_transport(self) -> None:
        """The participant resumed: restart ICE where the server is the one that offers."""
        ...

    def moved(self, room: Room) -> None:
        """The participant is in another room now; what comes from it goes there."""
        ...

    def close(self) -> None:
        """The participant is gone: send what was queued and end everything."""
        ...
