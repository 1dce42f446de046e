"""The local participant's access to the connected room."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit._event_loop import check_loop
from livekit.errors import SessionClosedError

if TYPE_CHECKING:
    from livekit._room.participant_table import ParticipantTable
    from livekit._room.signal_requests import SignalRequests
    from livekit.datatracks.track_manager import DataTrackManager
    from livekit.engine.interfaces import PacketSender
    from livekit.media.local_tracks import LocalTracks

NOT_CONNECTED = "the room is not connected: await room.connect(...) first"
NOT_ALLOWED = "this participant may not publish data: its token lacks the grant canPublishData"


@dataclass(frozen=True)
class LocalContext:
    """The parts of a connected room that a local participant acts through."""

    packets: PacketSender
    requests: SignalRequests
    participants: ParticipantTable
    data_tracks: DataTrackManager
    local_tracks: LocalTracks


class LocalConnection:
    """The current context of a local participant. `RoomSession` sets it; `LocalParticipant` reads it."""

    def __init__(self) -> None:
        self.context: LocalContext | None = None
        """None before the room connects and after it disconnects."""
        self.loop: asyncio.AbstractEventLoop | None = None
        """The event loop of the room."""


class LocalParticipantMixin:
    """Base of the mixins of `LocalParticipant`."""

    _connection: LocalConnection

    def _require_context(self) -> LocalContext:
        """Return the context.

        Raises:
            SessionClosedError: the room is not connected.
            EventLoopError: the room belongs to another event loop.
        """
        context = self._connection.context
        if context is None:
            raise SessionClosedError(NOT_CONNECTED)
        if self._connection.loop is not None:
            check_loop(self._connection.loop)
        return context

    def _require_publish_context(self) -> LocalContext:
        """Return the context.

        Raises:
            SessionClosedError: the room is not connected.
            PermissionError: the token does not grant publishing data.
        """
        context = self._require_context()
        if not context.participants.may_publish_data:
            raise PermissionError(NOT_ALLOWED)
        return context
