"""The interface between the core and a participant's connection."""

from __future__ import annotations

from typing import Protocol

from livekit.protocol import rtc


class ParticipantLink(Protocol):
    """The connection to one participant: a WebSocket and peer connections, or queues in memory.

    A link lives as long as its participant and outlives each of its signal connections. None of its methods
    blocks or raises, and none calls back into the core before it returns.
    """

    def send_signal(self, message: rtc.SignalResponse) -> None:
        """Send a signal message; it is lost while there is no signal connection."""
        ...

    def send_packet(self, data: bytes, *, reliable: bool, sender: str = "") -> bool:
        """Send a serialized data packet.

        Packets of one sender stay in order; reliable packets that have to wait are queued round-robin by sender.
        Returns False if too many reliable packets are waiting already: the participant reads too slowly.
        """
        ...

    @property
    def backlog(self) -> int:
        """Bytes of reliable packets that wait to be sent to the participant."""
        ...

    def send_track_packet(self, data: bytes) -> None:
        """Send a data track packet; it is dropped if the channel is missing or full."""
        ...

    def update_media(self) -> None:
        """Apply changes of the participant's subscriptions and of their tracks to what is negotiated and sent."""
        ...

    def drop_signal(self) -> None:
        """Close the signal connection, which is dead. The participant may resume on a new one."""
        ...

    def restart_transport(self) -> None:
        """Restart ICE after a resume, on the peer connections that the server offers."""
        ...

    def moved(self, room: str) -> None:
        """The participant was moved to another room: from now on its packets and signals belong to `room`."""
        ...

    def close(self) -> None:
        """Send everything queued, then close all connections: the participant has left."""
        ...
