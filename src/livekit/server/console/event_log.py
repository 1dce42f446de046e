"""Log of room events and rejected requests. No I/O, no clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from livekit.protocol import models
from livekit.server.events import (
    ParticipantJoined,
    ParticipantLeft,
    RoomEvent,
    RoomFinished,
    RoomStarted,
    TrackPublished,
    TrackUnpublished,
)
from livekit.server.responses import DisconnectReason

MAX_ENTRIES = 200
"""Entries that are kept; the oldest is dropped first."""
MAX_ENTRY_TEXT = 500

_EXPECTED_REASONS = (DisconnectReason.CLIENT_INITIATED, DisconnectReason.SERVER_SHUTDOWN, DisconnectReason.ROOM_DELETED)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """An entry of the log."""

    number: int
    """Sequence number, from 1."""
    at: float
    """Seconds on the log's clock."""
    room: str
    who: str
    """An identity, a room or a path."""
    text: str
    is_problem: bool


class EventLog:
    """The newest entries."""

    def __init__(self) -> None:
        self.last = 0
        """Number of the newest entry."""
        self.problems = 0
        self._entries: deque[LogEntry] = deque(maxlen=MAX_ENTRIES)

    def since(self, number: int) -> list[LogEntry]:
        """Return the entries after `number`, oldest first."""
        return [entry for entry in self._entries if entry.number > number]

    def write(self, text: str, now: float, *, who: str = "", room: str = "", is_problem: bool = False) -> None:
        self.last += 1
        self.problems += is_problem
        text = text if len(text) <= MAX_ENTRY_TEXT else text[:MAX_ENTRY_TEXT] + "…"
        self._entries.append(LogEntry(number=self.last, at=now, room=room, who=who, text=text, is_problem=is_problem))

    def event(self, event: RoomEvent, now: float) -> None:
        """Log a room event."""
        room = event.room.name
        if isinstance(event, RoomStarted):
            self.write("room started", now, room=room)
        elif isinstance(event, RoomFinished):
            self.write("room finished", now, room=room)
        elif isinstance(event, ParticipantJoined):
            self.write("joined", now, who=event.participant.identity, room=room)
        elif isinstance(event, ParticipantLeft):
            self._left(event, now)
        else:
            self._track(event, now)

    def _track(self, event: TrackPublished | TrackUnpublished, now: float) -> None:
        kind = models.TrackType.Name(event.track.type).lower()
        action = "published" if isinstance(event, TrackPublished) else "unpublished"
        name = f" {event.track.name}" if event.track.name else ""
        self.write(f"{action} {kind} track{name}", now, who=event.participant.identity, room=event.room.name)

    def _left(self, event: ParticipantLeft, now: float) -> None:
        reason = event.participant.disconnect_reason
        name = DisconnectReason.Name(reason).lower().replace("_", " ")
        who, room = event.participant.identity, event.room.name
        if reason in _EXPECTED_REASONS:
            self.write(
                "left" if reason == DisconnectReason.CLIENT_INITIATED else f"left: {name}", now, who=who, room=room
            )
        else:
            self.write(f"was removed: {name}", now, who=who, room=room, is_problem=True)
