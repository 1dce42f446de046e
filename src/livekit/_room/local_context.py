"""What a local participant acts through while its room is connected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit.errors import SessionClosedError

if TYPE_CHECKING:
    from livekit._room.participants import ParticipantTable
    from livekit._room.signal_requests import SignalRequests
    from livekit.datatracks.track_manager import DataTrackManager
    from livekit.engine.interfaces import PacketSender

NOT_CONNECTED = "the room is not connected: await room.connect(...) first"
NOT_ALLOWED = "this participant may not publish data: its token lacks the grant canPublishData"


@dataclass(frozen=True)
class LocalContext:
    """Where to: packets, requests to the server, what is known of who gets them, and data tracks."""

    packets: PacketSender
    requests: SignalRequests
    participants: ParticipantTable
    tracks: DataTrackManager


class LocalComponent:
    """A part of a local participant."""

    _context: LocalContext | None = None
    """None before the room is connected and after."""

    def _require_context(self) -> LocalContext:
        """Raises SessionClosedError."""
        if self._context is None:
            raise SessionClosedError(NOT_CONNECTED)
        return self._context

    def _require_publish_context(self) -> LocalContext:
        """Raises SessionClosedError, PermissionError."""
        context = self._require_context()
        if not context.participants.may_publish_data:
            raise PermissionError(NOT_ALLOWED)
        return context
