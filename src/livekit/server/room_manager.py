"""All rooms of a server: created by the first join, closed when idle. The entry point to the core."""

from __future__ import annotations

import logging
import secrets
import string
from collections.abc import Callable, Sequence
from dataclasses import replace

from livekit._util.isolation import isolated
from livekit.protocol import models

from . import limits
from .events import RoomEvent, RoomFinished, RoomObserver, RoomStarted
from .packet_observer import IsolatedPacketObserver, PacketObserver
from .participant import Participant
from .participant_link import ParticipantLink
from .permissions import Grants
from .responses import DisconnectReason
from .room import JoinParameters, Room, RoomSettings
from .room_services import RoomServices
from .traffic import Traffic

logger = logging.getLogger(__name__)

_SID_ALPHABET = string.ascii_letters + string.digits
_SID_LENGTH = 12


class JoinRefusedError(Exception):
    """A participant is not admitted."""


class StaleReconnectError(JoinRefusedError):
    """A late attempt to reconnect: a later attempt of the same client was admitted already."""


class RoomFullError(JoinRefusedError):
    """The room has no space for another participant."""


class ServerFullError(RoomFullError):
    """The server has no space for another room."""


def random_sid(prefix: str) -> str:
    """Return a random ID such as `PA_6YbKh0Hq2mZr`."""
    return prefix + "".join(secrets.choice(_SID_ALPHABET) for _ in range(_SID_LENGTH))


class RoomManager:
    """The rooms of a server, by name.

    Every `now` is in seconds on the same monotonic clock; `epoch` is the Unix time at which that clock showed 0.
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
        self._settings = settings or RoomSettings()
        self._observers = [isolated(observer, "an observer of the rooms") for observer in observers]
        self._rooms: dict[str, Room] = {}
        self._services = RoomServices(
            epoch=epoch,
            new_sid=new_sid,
            mint_refresh_token=refresh_token,
            emit=self._emit,
            close_idle_rooms=self.close_idle_rooms,
            traffic=Traffic(),
            packet_observer=None,
        )

    @property
    def settings(self) -> RoomSettings:
        """Settings of rooms that are created without any."""
        return self._settings

    @property
    def rooms(self) -> list[Room]:
        return list(self._rooms.values())

    @property
    def traffic(self) -> Traffic:
        """Packet counters of all rooms."""
        return self._services.traffic

    @property
    def packet_observer(self) -> PacketObserver | None:
        """Observer of the packets in the rooms that are created after it was set."""
        return self._services.packet_observer

    @packet_observer.setter
    def packet_observer(self, observer: PacketObserver | None) -> None:
        isolated_observer = None if observer is None else IsolatedPacketObserver(observer)
        self._services = replace(self._services, packet_observer=isolated_observer)

    def new_sid(self, prefix: str) -> str:
        """Return a new ID with the given prefix, such as ``PA_``."""
        return self._services.new_sid(prefix)

    def get(self, name: str) -> Room | None:
        """Return the room with that name, or None."""
        return self._rooms.get(name)

    def create(self, name: str, now: float, settings: RoomSettings | None = None) -> Room:
        """Return the room with that name; create it if it does not exist. Raises ServerFullError."""
        room = self._rooms.get(name)
        if room is None:
            self.check_room_count(name)
            self._make_space(now)
            sid = self.new_sid("RM_")
            room = Room(self._services, sid=sid, name=name, settings=settings or self._settings, now=now)
            self._rooms[name] = room
            self._emit(lambda: RoomStarted(room=room.info()))
        return room

    def check_space(self, grants: Grants) -> None:
        """Raise JoinRefusedError if `join` would, except for a stale attempt."""
        room = self._rooms.get(grants.room)
        if room is None:
            self.check_room_count(grants.room)
            if grants.room_preset:
                raise JoinRefusedError("unknown room configuration in create room request")
        elif grants.identity not in room.participants and not room.has_space_for(grants):
            raise RoomFullError("room has exceeded its max participants")

    def check_room_count(self, name: str) -> None:
        """Raise ServerFullError if `create` would."""
        if name in self._rooms or len(self._rooms) < limits.MAX_ROOMS:
            return
        if all(room.lifetime.abandoned_since is None for room in self.rooms):
            raise ServerFullError("node has exceeded its configured limit")

    def _make_space(self, now: float) -> None:
        """Close the room that was abandoned first, if there are as many rooms as allowed."""
        if len(self._rooms) >= limits.MAX_ROOMS:
            abandoned = {room: since for room in self.rooms if (since := room.lifetime.abandoned_since) is not None}
            self.close_room(min(abandoned, key=abandoned.__getitem__), DisconnectReason.ROOM_CLOSED, now)

    def join(
        self, grants: Grants, parameters: JoinParameters, link: ParticipantLink, now: float
    ) -> tuple[Room, Participant]:
        """Admit a participant to the room of its token; the join response is sent over `link`.

        Raises:
            JoinRefusedError: The room or the server is full, or the attempt is stale.
        """
        self.check_space(grants)
        room = self._rooms.get(grants.room)
        present = room.participants.get(grants.identity) if room else None
        if present is not None and present.supersedes(parameters.participant_sid):
            raise StaleReconnectError("the participant has reconnected already")
        room = self.create(grants.room, now, self._settings_for(grants))
        return room, room.join(grants, parameters, link, now)

    def find_resumable(self, grants: Grants, parameters: JoinParameters) -> tuple[Room, Participant] | None:
        """Return the participant that a client can resume, or None.

        It must still be in the room, have the sid that the client names, and have a usable transport or an offer
        for a new one.
        """
        room = self._rooms.get(grants.room)
        participant = room.participants.get(grants.identity) if room else None
        if room is None or participant is None or parameters.participant_sid not in ("", participant.sid):
            return None
        if participant.transport_failed_at is not None and parameters.publisher_offer is None:
            return None
        return room, participant

    def move(self, room: Room, participant: Participant, destination: str, now: float) -> None:
        """Move a participant and its connections to another room. Raises RoomFullError."""
        self.check_space(replace(participant.grants, room=destination))
        room.move_out(participant, now)
        self.create(destination, now).move_in(participant, now)

    def close_room(self, room: Room, reason: DisconnectReason, now: float) -> None:
        """Close a room and remove its participants."""
        for participant in list(room.participants.values()):
            room.remove(participant, reason, now)
        if self._rooms.get(room.name) is room:
            del self._rooms[room.name]
            self._emit(lambda: RoomFinished(room=room.info()))

    def close(self, now: float) -> None:
        """Close every room because the server shuts down."""
        for room in self.rooms:
            self.close_room(room, DisconnectReason.SERVER_SHUTDOWN, now)

    def tick(self, now: float) -> None:
        """Expire timeouts of participants and rooms; call it about once per second."""
        for room in self.rooms:
            room.tick(now)
        self._enforce_total_backlog(now)
        self.close_idle_rooms(now)

    def _enforce_total_backlog(self, now: float) -> None:
        """Remove the slowest readers while the server buffers too many bytes for all of them together."""
        backlogs = [(p.link.backlog, room, p) for room in self.rooms for p in room.participants.values()]
        total = sum(backlog for backlog, _, _ in backlogs)
        if total <= limits.MAX_TOTAL_BACKLOG:
            return
        for backlog, room, participant in sorted(backlogs, key=lambda entry: -entry[0]):
            logger.warning(
                "removing %r: the packets buffered for slow readers exceed %d bytes",
                participant,
                limits.MAX_TOTAL_BACKLOG,
                extra=participant.log_fields,
            )
            room.remove(participant, DisconnectReason.STATE_MISMATCH, now)
            total -= backlog
            if total <= limits.MAX_TOTAL_BACKLOG:
                return

    def close_idle_rooms(self, now: float) -> None:
        """Close the rooms that have been idle for their timeout."""
        for room in self.rooms:
            if room.lifetime.is_expired(now):
                self.close_room(room, DisconnectReason.ROOM_CLOSED, now)

    def wall_time(self, now: float) -> float:
        """Return the Unix time at `now`."""
        return self._services.wall_time(now)

    def observe(self, observer: RoomObserver) -> Callable[[], None]:
        """Call `observer` with every event from now on; return a function that unregisters it.

        Its exceptions are logged.
        """
        added = isolated(observer, "an observer of the rooms")
        self._observers.append(added)
        return lambda: self._observers.remove(added)

    def _emit(self, build: Callable[[], RoomEvent]) -> None:
        if self._observers:
            event = build()
            for observer in tuple(self._observers):
                observer(event)

    def _settings_for(self, grants: Grants) -> RoomSettings:
        """Return the settings of a room that a join creates: a dependent participant dispatches no agents."""
        settings = self._settings.overridden_by(grants.room_config)
        return replace(settings, agents=()) if grants.is_dependent else settings
