"""What a local participant acts through while its room is connected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit.errors import SessionClosedError

if TYPE_CHECKING:
    from livekit.datatracks.exchange import TrackExchange
    from livekit.requests import SignalRequests
    from livekit.roster import Roster
    from livekit.session.port import PacketSender

NOT_CONNECTED = "the room is not connected: await room.connect(...) first"
NOT_ALLOWED = "this participant may not publish data: its token lacks the grant canPublishData"


@dataclass(frozen=True)
class Uplink:
    """Where to: packets, requests to the server, what is known of who gets them, and data tracks."""

    packets: PacketSender
    requests: SignalRequests
    roster: Roster
    tracks: TrackExchange


class Linked:
    """A part of a local participant."""

    _uplink: Uplink | None = None
    """None before the room is connected and after."""

    def _linked(self) -> Uplink:
        """Raises SessionClosedError."""
        if self._uplink is None:
            raise SessionClosedError(NOT_CONNECTED)
        return self._uplink

    def _publishing(self) -> Uplink:
        """Raises SessionClosedError, PermissionError."""
        uplink = self._linked()
        if not uplink.roster.may_publish_data:
            raise PermissionError(NOT_ALLOWED)
        return uplink
