"""Checks of grants and request fields. Error codes and texts are those of LiveKit server."""

from __future__ import annotations

from collections.abc import Mapping

from livekit.server import limits
from livekit.server.participant import Participant
from livekit.server.permissions import Grants, attributes_size
from livekit.server.room import Room
from livekit.server.room_manager import RoomManager

from .twirp import TwirpError


def require(allowed: bool) -> None:
    """Raise TwirpError unless the token permits the call."""
    if not allowed:
        raise TwirpError("unauthenticated", "permissions denied")


def require_admin(grants: Grants, room: str) -> None:
    """Require the grant roomAdmin for this room."""
    require(grants.room_admin and grants.room == room)


def require_transfer(grants: Grants, room: str, destination: str) -> None:
    """Require the grants roomAdmin for this room and destinationRoom for the other one."""
    require(grants.room_admin and grants.room == room and grants.destination_room == destination)
    if room == destination:
        raise TwirpError("invalid_argument", "destination room cannot be the same as source room")


def existing_room(rooms: RoomManager, name: str) -> Room:
    """Return the room of this name. Raises TwirpError."""
    room = rooms.get(name)
    if room is None:
        raise TwirpError("not_found", "requested room does not exist")
    return room


def existing_participant(rooms: RoomManager, room_name: str, identity: str) -> tuple[Room, Participant]:
    """Return the room and its participant of this identity. Raises TwirpError."""
    room = rooms.get(room_name)
    participant = room.participants.get(identity) if room else None
    if room is None or participant is None:
        raise TwirpError("not_found", "participant does not exist")
    return room, participant


def check_room_name(name: str) -> None:
    if not name:
        raise TwirpError("invalid_argument", "no room name")
    if len(name.encode()) > limits.MAX_ROOM_NAME:
        raise TwirpError("invalid_argument", f"room name length exceeds limits: max length {limits.MAX_ROOM_NAME}")


def check_name(name: str) -> None:
    _check(len(name.encode()), limits.MAX_NAME, "name length exceeds limits")


def check_metadata(metadata: str) -> None:
    _check(len(metadata.encode()), limits.MAX_METADATA, "metadata size exceeds limits")


def check_attributes(attributes: Mapping[str, str]) -> None:
    """Check the attributes of one request."""
    _check(attributes_size(attributes), limits.MAX_ATTRIBUTES, "attribute size exceeds limits")


def check_all_attributes(attributes: Mapping[str, str]) -> None:
    """Check the attributes that a participant would have after an update."""
    _check(attributes_size(attributes), limits.MAX_ALL_ATTRIBUTES, "attribute size exceeds limits")


def _check(size: int, limit: int, argument: str) -> None:
    if size > limit:
        raise TwirpError("invalid_argument", f"{argument} {limit}", {"argument": argument})
