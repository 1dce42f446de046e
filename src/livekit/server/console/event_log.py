"""What happened lately besides calls: who came and went, and what was refused. No I/O, no clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from livekit.server.events import ParticipantJoined, ParticipantLeft, RoomEvent, RoomFinished, RoomStarted
from livekit.server.responses import DisconnectReason

MAX_NOTES = 200
"""Notes that are remembered; over it, the oldest is forgotten."""
MAX_NOTE_TEXT = 500

_QUIET_ENDS = (DisconnectReason.CLIENT_INITIATED, DisconnectReason.SERVER_SHUTDOWN, DisconnectReason.ROOM_DELETED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    number: int
    """From 1."""
    at: float
    """Seconds of the log's clock."""
    room: str
    who: str
    """An identity, a room or a path."""
    text: str
    is_problem: bool


class EventLog:
    def __init__(self) -> None:
        self.last = 0
        """The number of the newest note."""
        self.problems = 0
        self._notes: deque[Note] = deque(maxlen=MAX_NOTES)

    def since(self, number: int) -> list[Note]:
        """The notes after `number`, oldest first."""
        return [note for note in self._notes if note.number > number]

    def write(self, text: str, now: float, *, who: str = "", room: str = "", is_problem: bool = False) -> None:
        self.last += 1
        self.problems += is_problem
        text = text if len(text) <= MAX_NOTE_TEXT else text[:MAX_NOTE_TEXT] + "…"
        self._notes.append(Note(number=self.last, at=now, room=room, who=who, text=text, is_problem=is_problem))

    def event(self, event: RoomEvent, now: float) -> None:
        """Note what happened in a room."""
        room = event.room.name
        if isinstance(event, RoomStarted):
            self.write("room started", now, room=room)
        elif isinstance(event, RoomFinished):
            self.write("room finished", now, room=room)
        elif isinstance(event, ParticipantJoined):
            self.write("joined", now, who=event.participant.identity, room=room)
        else:
            self._left(event, now)

    def _left(self, event: ParticipantLeft, now: float) -> None:
        reason = event.participant.disconnect_reason
        name = DisconnectReason.Name(reason).lower().replace("_", " ")
        who, room = event.participant.identity, event.room.name
        if reason in _QUIET_ENDS:
            self.write(
                "left" if reason == DisconnectReason.CLIENT_INITIATED else f"left: {name}", now, who=who, room=room
            )
        else:
            self.write(f"was put out: {name}", now, who=who, room=room, is_problem=True)
