"""What happens in the rooms, for who wants to know: logs now, and whatever looks at the server from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from livekit.protocol import models


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomStarted:
    room: models.Room


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomFinished:
    room: models.Room


@dataclass(frozen=True, kw_only=True, slots=True)
class ParticipantJoined:
    """A participant became ACTIVE: its transport is up."""

    room: models.Room
    participant: models.ParticipantInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class ParticipantLeft:
    """A participant is gone; `participant.disconnect_reason` says why."""

    room: models.Room
    participant: models.ParticipantInfo
    was_active: bool = True
    """False: its transport never came up, and there was no `ParticipantJoined` for it."""


RoomEvent = RoomStarted | RoomFinished | ParticipantJoined | ParticipantLeft
RoomObserver = Callable[[RoomEvent], None]
"""Called in the middle of the room's work: must neither raise, block, nor call back."""
