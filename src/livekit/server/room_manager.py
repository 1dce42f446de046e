"""All rooms of a server: made on the first join, gone when empty. The entrance to the core."""

from __future__ import annotations

import logging
import secrets
import string
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from livekit.protocol import models

from . import limits
from .events import RoomEvent, RoomFinished, RoomObserver, RoomStarted
from .packet_observer import PacketObserver
from .participant import Participant
from .participant_link import ParticipantLink
from .permissions import Grants
from .responses import DisconnectReason
from .room import JoinParameters, Room, RoomSettings
from .traffic import Traffic

logger = logging.getLogger(__name__)

_SID_ALPHABET = string.ascii_letters + string.digits
_SID_LENGTH = 12


class JoinRefusedError(Exception):
    """A participant is not let in."""


class OvertakenError(JoinRefusedError):
    """An attempt to reconnect that comes late: a later one was let in."""


class RoomFullError(JoinRefusedError):
    """The room, or the server, takes nobody more."""


def random_sid(prefix: str) -> str:
    """A new id such as `PA_6YbKh0Hq2mZr`."""
    return prefix + "".join(secrets.choice(_SID_ALPHABET) for _ in range(_SID_LENGTH))


class RoomManager:
    """RoomManager by name.

    `now` is seconds of any clock that does not go back; `epoch` is the Unix time at which that clock showed 0.
    """

    def __init__(
        self,
        *,
        settings: RoomSettings | None = None,
        epoch: float = 0.0,
        new_sid: Callable[[str], str] = random_sid,
        refresh_token: Callable[[Grants, models.ParticipantInfo], str] | None = None,
        observers: Sequence[RoomObserver] = (),
    ) -> None:
        self.new_sid = new_sid
        self.packet_observer: PacketObserver | None = None
        """Looks on while packets pass through the rooms that are made from now on."""
        self.traffic: Final = Traffic()
        """What passed through all rooms."""
        self._settings = settings or RoomSettings()
        self._epoch = epoch
        self._refresh_token = refresh_token
        self._observers = list(observers)
        self._rooms: dict[str, Room] = {}

    @property
    def rooms(self) -> list[Room]:
        return list(self._rooms.values())

    def get(self, name: str) -> Room | None:
        """The room of that name, if it exists."""
        return self._rooms.get(name)

    def create(self, name: str, now: float, settings: RoomSettings | None = None) -> Room:
        """The room of that name, made if it does not exist. Raises RoomFullError."""
        room = self._rooms.get(name)
        if room is None:
            if len(self._rooms) >= limits.MAX_ROOMS:
                raise RoomFullError("node has exceeded its configured limit")
            room = Room(self, sid=self.new_sid("RM_"), name=name, settings=settings or self._settings, now=now)
            self._rooms[name] = room
            self.emit(lambda: RoomStarted(room=room.info()))
        return room

    def check_space(self, grants: Grants) -> None:
        """Raises RoomFullError if `join` would."""
        room = self._rooms.get(grants.room)
        if room is None:
            if len(self._rooms) >= limits.MAX_ROOMS:
                raise RoomFullError("node has exceeded its configured limit")
        elif grants.identity not in room.participants and not room.has_space_for(grants):
            raise RoomFullError("room has exceeded its max participants")

    def join(
        self, grants: Grants, parameters: JoinParameters, link: ParticipantLink, now: float
    ) -> tuple[Room, Participant]:
        """Let a participant into the room its token names; it is told through `link`. Raises JoinRefusedError."""
        self.check_space(grants)
        room = self._rooms.get(grants.room)
        present = room.participants.get(grants.identity) if room else None
        if present is not None and present.came_after(parameters.participant_sid):
            raise OvertakenError("the participant has reconnected already")
        room = self.create(grants.room, now, self._settings_for(grants))
        return room, room.join(grants, parameters, link, now)

    def find_resumable(self, grants: Grants, parameters: JoinParameters) -> tuple[Room, Participant] | None:
        """The participant that may be resumed: still there, with the sid that the client names, and with a transport
        or an offer for another one."""
        room = self._rooms.get(grants.room)
        participant = room.participants.get(grants.identity) if room else None
        if room is None or participant is None or parameters.participant_sid not in ("", participant.sid):
            return None
        if participant.transport_lost_at is not None and parameters.publisher_offer is None:
            return None
        return room, participant

    def move(self, room: Room, participant: Participant, destination: str, now: float) -> None:
        """Bring a participant into another room, connection and all. Raises RoomFullError."""
        self.check_space(replace(participant.grants, room=destination))
        room.move_out(participant, now)
        self.create(destination, now).move_in(participant, now)

    def close_room(self, room: Room, reason: DisconnectReason, now: float) -> None:
        """End a room and put everybody out."""
        for participant in list(room.participants.values()):
            room.remove(participant, reason, now)
        self._finish(room)

    def close(self, now: float) -> None:
        """The server stops: end every room."""
        for room in self.rooms:
            self.close_room(room, DisconnectReason.SERVER_SHUTDOWN, now)

    def tick(self, now: float) -> None:
        """Notice who is gone and which rooms are over; call it about once a second."""
        for room in self.rooms:
            room.tick(now)
        self._relieve(now)
        self.sweep(now)

    def _relieve(self, now: float) -> None:
        """When slow readers hold too much together, those that hold most have to go."""
        waiting = [(p.link.backlog, room, p) for room in self.rooms for p in room.participants.values()]
        total = sum(backlog for backlog, _, _ in waiting)
        if total <= limits.MAX_TOTAL_BACKLOG:
            return
        for backlog, room, participant in sorted(waiting, key=lambda entry: -entry[0]):
            logger.warning("removing %r: too much waits for slow readers", participant, extra=participant.log_fields)
            room.remove(participant, DisconnectReason.STATE_MISMATCH, now)
            total -= backlog
            if total <= limits.MAX_TOTAL_BACKLOG:
                return

    def sweep(self, now: float) -> None:
        """End the rooms that were empty for long enough."""
        for room in self.rooms:
            timeout = room.settings.departure_timeout if room.was_used else room.settings.empty_timeout
            if room.empty_since is not None and now - room.empty_since >= timeout:
                self.close_room(room, DisconnectReason.ROOM_CLOSED, now)

    def wall_time(self, now: float) -> float:
        """The Unix time at `now`."""
        return self._epoch + now

    def refresh_token(self, grants: Grants, info: models.ParticipantInfo) -> str:
        """A new token for a participant, or nothing if the server mints none."""
        return self._refresh_token(grants, info) if self._refresh_token else ""

    def observe(self, observer: RoomObserver) -> Callable[[], None]:
        """Call `observer` with everything that happens from now on, until the function returned is called."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    def emit(self, event: Callable[[], RoomEvent]) -> None:
        """Tell the observers, if there are any."""
        if self._observers:
            happened = event()
            for observer in tuple(self._observers):
                observer(happened)

    def _settings_for(self, grants: Grants) -> RoomSettings:
        """How a room is made by who joins it: as its token says. An agent calls no other agents."""
        settings = self._settings.configured(grants.room_config)
        return replace(settings, agents=()) if grants.is_dependent else settings

    def _finish(self, room: Room) -> None:
        if self._rooms.get(room.name) is room:
            del self._rooms[room.name]
            self.emit(lambda: RoomFinished(room=room.info()))
