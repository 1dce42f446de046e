"""One room: who is in it, and what they are told about each other. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from livekit.protocol import models, rtc
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import RoomConfiguration

from . import data_tracks, limits, simulated_scenarios
from .events import ParticipantJoined, ParticipantLeft, RoomEvent
from .participant import Participant, State
from .participant_link import ParticipantLink
from .permissions import Grants
from .responses import DisconnectReason, join_response, leave_response, reconnect_response

if TYPE_CHECKING:
    from .room_manager import RoomManager


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomSettings:
    """How a room is made."""

    empty_timeout: float = 0.0
    """Seconds that a room waits for its first participant."""
    departure_timeout: float = 0.0
    """Seconds that a room stays after its last participant left."""
    max_participants: int = 0
    """0: as many as :data:`.limits.MAX_PARTICIPANTS`."""
    metadata: str = ""
    agents: Sequence[RoomAgentDispatch] | None = None
    """The agents that the room asks for; None: any that has no name."""

    def configured(self, wanted: RoomConfiguration) -> RoomSettings:
        """These settings but for what `wanted` says otherwise."""
        return RoomSettings(
            empty_timeout=wanted.empty_timeout or self.empty_timeout,
            departure_timeout=wanted.departure_timeout or self.departure_timeout,
            max_participants=wanted.max_participants or self.max_participants,
            metadata=wanted.metadata or self.metadata,
            agents=tuple(wanted.agents) or self.agents,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinParameters:
    """What a client says when it joins."""

    client: models.ClientInfo
    single_peer_connection: bool = True
    """One peer connection for both directions; else the server offers a second one, to the client."""
    publisher_offer: rtc.SessionDescription | None = None
    metadata: str = ""
    attributes: dict[str, str] | None = None
    reconnect: bool = False
    participant_sid: str = ""
    """The sid that the client had: with `reconnect` to have it again, else to go on as a new participant."""
    sync_state: rtc.SyncState | None = None


class Room:
    """The participants of a room, by identity; made by :class:`RoomManager`."""

    def __init__(self, rooms: RoomManager, *, sid: str, name: str, settings: RoomSettings, now: float) -> None:
        self.participants: Final[dict[str, Participant]] = {}
        self.settings: Final = settings
        self.empty_since: float | None = now
        """Since when nobody is in the room; None while somebody is."""
        self.was_used = False
        self._had_people = False
        self.callers: Final[dict[str, Callable[[Participant, models.DataPacket], None]]] = {}
        """The calls that backends make through the server: who takes their answers, by identity of the caller, and by
        id of the stream that an answer is."""
        self.packet_observer: Final = rooms.packet_observer
        self.traffic: Final = rooms.traffic
        self._rooms = rooms
        created_at = rooms.wall_time(now)
        self._info = models.Room(
            sid=sid,
            name=name,
            metadata=settings.metadata,
            empty_timeout=int(settings.empty_timeout),
            departure_timeout=int(settings.departure_timeout),
            max_participants=settings.max_participants,
            creation_time=int(created_at),
            creation_time_ms=int(created_at * 1000),
        )

    @property
    def sid(self) -> str:
        return self._info.sid

    @property
    def name(self) -> str:
        return self._info.name

    def has_space_for(self, grants: Grants) -> bool:
        """Agents, and others that are there because of somebody, are beyond what the room's settings say."""
        wanted = self.settings.max_participants
        people = sum(not participant.is_dependent for participant in self.participants.values()) if wanted else 0
        is_crowded = bool(wanted) and people >= wanted and not grants.is_dependent
        return not is_crowded and len(self.participants) < limits.MAX_PARTICIPANTS

    def info(self) -> models.Room:
        """A copy of what clients are told about the room."""
        copy = models.Room()
        copy.CopyFrom(self._info)
        copy.num_participants = sum(not participant.hidden for participant in self.participants.values())
        return copy

    def join(self, grants: Grants, parameters: JoinParameters, link: ParticipantLink, now: float) -> Participant:
        """Let a participant in, in place of the one with the same identity, and tell everybody."""
        older, last_sid = self.participants.get(grants.identity), parameters.participant_sid
        is_continued = older is not None and older.is_continued_by(last_sid)
        if older is not None:
            # The others learn of the new sid alone, so that what they expect of this identity may still come.
            self._take_out(older, DisconnectReason.DUPLICATE_IDENTITY, quietly=not grants.permission.hidden)
        participant = Participant(
            sid=self._rooms.new_sid("PA_"),
            grants=grants,
            client=parameters.client,
            link=link,
            joined_at=self._rooms.wall_time(now),
            now=now,
            predecessor=last_sid,
        )
        if older is not None and is_continued:
            participant.continue_from(older)
        participant.update(metadata=parameters.metadata, attributes=parameters.attributes)
        self.participants[participant.identity] = participant
        self._note_used(participant)
        others = [other.info() for other in self.others(participant) if not other.hidden]
        subscriber_primary = not parameters.single_peer_connection
        link.send_signal(join_response(self.info(), participant.info(), others, subscriber_primary=subscriber_primary))
        participant.set_state(State.JOINED)
        self.announce(participant)
        self._announce_count(participant)
        self.send_refresh_token(participant, now)
        return participant

    def resume(self, participant: Participant, now: float) -> None:
        """The participant is back on a new signal connection, which its link uses already."""
        participant.signal_lost_at = None
        participant.signal_seen = now
        if participant.simulated.ends_silently(now):
            self._drop_signal(participant, now)
            return
        send = participant.link.send_signal
        send(reconnect_response(participant.last_sequence))
        visible = [other.info() for other in self.participants.values() if other is participant or not other.hidden]
        participant.send_update(visible)
        send(rtc.SignalResponse(room_update=rtc.RoomUpdate(room=self.info())))
        participant.link.restart_transport()
        if participant.simulated.ends_answered(now):
            self._drop_signal(participant, now)

    def activate(self, participant: Participant, now: float) -> None:
        """The participant's transport is up, for the first time or again."""
        participant.transport_lost_at = participant.transport_silent_at = None
        if participant.set_state(State.ACTIVE):
            self.announce(participant, to_itself=True)
            self._emit(lambda: ParticipantJoined(room=self.info(), participant=participant.info()))
        self.flush(participant, now)

    def flush(self, participant: Participant, now: float) -> None:
        """Send a participant what waited for it, if it can receive; one that is too slow for it is removed."""
        if not participant.flush(now):
            self.remove(participant, DisconnectReason.STATE_MISMATCH, now)

    def remove(self, participant: Participant, reason: DisconnectReason, now: float, *, tell: bool = True) -> None:
        """Take a participant out and tell the others; `tell` it why, unless it left by itself."""
        self._take_out(participant, reason, tell=tell)
        self._note_empty(now)

    def _note_used(self, participant: Participant) -> None:
        self.was_used = True
        if not (participant.is_dependent and self._had_people):
            self.empty_since = None
        self._had_people |= not participant.is_dependent

    def _note_empty(self, now: float) -> None:
        """Once people were here, those who are there because of them do not count."""
        stay = (self._had_people and participant.is_dependent for participant in self.participants.values())
        if self.empty_since is None and all(stay):
            self.empty_since = now
            self._rooms.sweep(now)

    def _take_out(
        self, participant: Participant, reason: DisconnectReason, *, quietly: bool = False, tell: bool = True
    ) -> None:
        was_active = participant.state == State.ACTIVE
        if not participant.set_state(State.DISCONNECTED, reason):
            return
        del self.participants[participant.identity]
        data_tracks.remove(self, participant)
        if tell and reason != DisconnectReason.CLIENT_INITIATED:
            participant.link.send_signal(leave_response(reason))
        participant.link.close()
        if not quietly:
            self.announce(participant)
            self._announce_count(participant)
        self._emit(lambda: ParticipantLeft(room=self.info(), participant=participant.info(), was_active=was_active))

    def move_out(self, participant: Participant, now: float) -> None:
        """A participant goes to another room: it is gone from this one, and its connection stays."""
        del self.participants[participant.identity]
        data_tracks.remove(self, participant)
        if not participant.hidden:
            self._announce_gone(participant)
        self._announce_count(participant)
        self._emit(lambda: ParticipantLeft(room=self.info(), participant=participant.info(), was_active=True))
        self._note_empty(now)

    def move_in(self, participant: Participant, now: float) -> None:
        """A participant comes from another room, which has let it go; it and everybody here learn of it."""
        older = self.participants.get(participant.identity)
        if older is not None:
            self._take_out(older, DisconnectReason.DUPLICATE_IDENTITY, quietly=not participant.hidden)
        participant.moved(self.name, self.new_sid("PA_"))
        participant.link.moved(self)
        self.participants[participant.identity] = participant
        self._note_used(participant)
        moved = rtc.RoomMovedResponse(
            room=self.info(),
            token=self._rooms.refresh_token(participant.grants, participant.info()),
            participant=participant.info(),
            other_participants=[other.info() for other in self.others(participant) if not other.hidden],
        )
        participant.link.send_signal(rtc.SignalResponse(room_moved=moved))
        self.announce(participant)
        self._announce_count(participant)
        self._emit(lambda: ParticipantJoined(room=self.info(), participant=participant.info()))

    def others(self, participant: Participant) -> list[Participant]:
        """Everybody but `participant`."""
        return [other for other in self.participants.values() if other is not participant]

    def announce(self, participant: Participant, *, to_itself: bool = False) -> None:
        """Tell the others about the present state of a participant, at once; and itself, if asked."""
        info = participant.info()
        if to_itself:
            participant.send_update([info])
        if not participant.hidden:
            for other in self.others(participant):
                other.send_update([info])

    def _announce_gone(self, participant: Participant) -> None:
        """For the others the participant is not here any more, though it is connected still."""
        gone = participant.info()
        gone.state = State.DISCONNECTED
        for other in self.others(participant):
            other.send_update([gone])

    def update_metadata(self, metadata: str) -> None:
        """Change the metadata of the room and tell everybody."""
        self._info.metadata = metadata
        self.announce_room()

    def announce_room(self) -> None:
        """Tell everybody about the room."""
        self._send_room(list(self.participants.values()))

    def _announce_count(self, changed: Participant) -> None:
        """Tell the others how many are in the room, now that somebody came or went."""
        if not changed.hidden:
            self._send_room(self.others(changed))

    def _send_room(self, receivers: list[Participant]) -> None:
        update = rtc.SignalResponse(room_update=rtc.RoomUpdate(room=self.info()))
        for receiver in receivers:
            receiver.link.send_signal(update)

    def update_participant(
        self,
        participant: Participant,
        now: float,
        *,
        name: str = "",
        metadata: str = "",
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Change what is given, as `Participant.update` does, and tell everybody."""
        participant.update(name=name, metadata=metadata, attributes=attributes)
        self.announce(participant, to_itself=True)
        self.send_refresh_token(participant, now)

    def set_permission(self, participant: Participant, permission: models.ParticipantPermission, now: float) -> None:
        """Change what a participant may do; the others see it come or go when `hidden` changes."""
        was_hidden = participant.hidden
        participant.set_permission(permission)
        if participant.hidden and not was_hidden:
            self._announce_gone(participant)
        self.announce(participant, to_itself=True)
        self.send_refresh_token(participant, now)

    def send_refresh_token(self, participant: Participant, now: float) -> None:
        """Give a participant a token to reconnect with, if the server can mint one."""
        participant.token_refreshed_at = now
        token = self._rooms.refresh_token(participant.grants, participant.info())
        if token:
            participant.link.send_signal(rtc.SignalResponse(refresh_token=token))

    def new_sid(self, prefix: str) -> str:
        return self._rooms.new_sid(prefix)

    def wall_time_ms(self, now: float) -> int:
        """The Unix time at `now`, in milliseconds."""
        return int(self._rooms.wall_time(now) * 1000)

    def tick(self, now: float) -> None:
        """Notice who is gone; call it about once a second."""
        for participant in list(self.participants.values()):
            participant.forget_sent(now)
            if participant.signal_lost_at is None and now - participant.signal_seen >= limits.PING_TIMEOUT:
                self._drop_signal(participant, now)
            simulated_scenarios.end_speech(self, participant, now)
            if _is_gone(participant, now):
                self.remove(participant, _reason_gone(participant), now)
            elif now - participant.token_refreshed_at >= limits.TOKEN_REFRESH_INTERVAL:
                self.send_refresh_token(participant, now)

    def _drop_signal(self, participant: Participant, now: float) -> None:
        participant.signal_lost_at = now
        participant.link.drop_signal()

    def _emit(self, event: Callable[[], RoomEvent]) -> None:
        self._rooms.emit(event)


def _is_gone(participant: Participant, now: float) -> bool:
    signal, transport = participant.signal_lost_at, participant.transport_lost_at
    if participant.state < State.ACTIVE:
        has_given_up = signal is not None and not participant.is_continuation
        if has_given_up or now - participant.joined_at >= limits.JOIN_TIMEOUT:
            return True
    silent = participant.transport_silent_at
    if signal is not None and silent is not None and now - max(signal, silent) >= limits.GONE_GRACE:
        return True
    return any(lost is not None and now - lost >= limits.RESUME_WINDOW for lost in (signal, transport))


def _reason_gone(participant: Participant) -> DisconnectReason:
    if participant.state < State.ACTIVE and not participant.is_continuation:
        return DisconnectReason.JOIN_FAILURE
    if participant.state < State.ACTIVE or participant.transport_silent_at is not None:
        return DisconnectReason.CONNECTION_TIMEOUT
    return DisconnectReason.SIGNAL_CLOSE
