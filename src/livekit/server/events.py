"""Events in the rooms of a server, for its log, webhooks, agents and other observers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from livekit.protocol import models


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomStarted:
    """A room was created."""

    room: models.Room


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomFinished:
    """A room was closed."""

    room: models.Room


@dataclass(frozen=True, kw_only=True, slots=True)
class ParticipantJoined:
    """A participant became ACTIVE: its transport is connected."""

    room: models.Room
    participant: models.ParticipantInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class ParticipantLeft:
    """A participant left; `participant.disconnect_reason` holds the reason."""

    room: models.Room
    participant: models.ParticipantInfo
    was_active: bool = True
    """False if its transport never connected, so that no `ParticipantJoined` was emitted for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackPublished:
    """A participant published a media track: its section is negotiated."""

    room: models.Room
    participant: models.ParticipantInfo
    track: models.TrackInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackUnpublished:
    """A media track ended."""

    room: models.Room
    participant: models.ParticipantInfo
    track: models.TrackInfo


RoomEvent = RoomStarted | RoomFinished | ParticipantJoined | ParticipantLeft | TrackPublished | TrackUnpublished
RoomObserver = Callable[[RoomEvent], None]
"""Called while the room changes; must not raise, block, or call back."""
