"""A room: its participants, and the updates that they receive about each other. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from livekit.protocol import models, rtc
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import CreateRoomRequest, RoomConfiguration

from . import limits
from .data_tracks import DataTrackManager
from .events import ParticipantJoined, ParticipantLeft
from .media.media_tracks import MediaTracks
from .media.participant_quality import rate_participant, received_publishers
from .participant import Participant, State
from .participant_link import ParticipantLink
from .permissions import Grants
from .quality import QualityUpdates
from .responses import DisconnectReason, join_response, leave_response, reconnect_response
from .room_lifetime import RoomLifetime
from .room_services import RoomServices

MAX_TIMEOUT = 2**32
"""Exclusive upper bound of the timeouts of a room, in seconds: clients receive them as 32-bit numbers."""
SPEAKER_LEVEL = 0.9
"""Audio level that is announced for a simulated speaker."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomSettings:
    """Settings that a room is created with."""

    empty_timeout: float = 300.0
    """Seconds that a room waits for its first participant; 0 closes it at once."""
    departure_timeout: float = 20.0
    """Seconds that a room stays open after its last participant left; 0 closes it at once."""
    max_participants: int = 0
    """0 for no limit but :data:`.limits.MAX_PARTICIPANTS`."""
    metadata: str = ""
    agents: Sequence[RoomAgentDispatch] | None = None
    """Agents to dispatch to the room; None dispatches every agent without a name."""

    def __post_init__(self) -> None:
        for name in ("empty_timeout", "departure_timeout"):
            if not 0 <= getattr(self, name) < MAX_TIMEOUT:
                raise ValueError(f"{name} must be a number of seconds from 0 to 2^32, not {getattr(self, name)!r}")

    def overridden_by(self, config: RoomConfiguration | CreateRoomRequest) -> RoomSettings:
        """Return these settings with those that `config` sets replaced; 0 and empty values set nothing."""
        return RoomSettings(
            empty_timeout=config.empty_timeout or self.empty_timeout,
            departure_timeout=config.departure_timeout or self.departure_timeout,
            max_participants=config.max_participants or self.max_participants,
            metadata=config.metadata or self.metadata,
            agents=tuple(config.agents) or self.agents,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinParameters:
    """The join request of a client."""

    client: models.ClientInfo
    single_peer_connection: bool = True
    """Use one peer connection for both directions; if False, the server offers a second one to the client."""
    publisher_offer: rtc.SessionDescription | None = None
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Attributes in addition to the token's, which take precedence; empty ones delete nothing."""
    reconnect: bool = False
    """Resume the participant instead of joining as a new one."""
    participant_sid: str = ""
    """The client's previous sid: with `reconnect` the one to resume, otherwise the one that a full reconnect
    replaces."""
    sync_state: rtc.SyncState | None = None
    auto_subscribe: bool = True
    """Subscribe the participant to every media track of the room."""
    auto_subscribe_data_track: bool = False
    """Subscribe the participant to every data track of the room."""
    add_track_requests: Sequence[rtc.AddTrackRequest] = ()

    @property
    def new_attributes(self) -> dict[str, str]:
        """The attributes that are not empty."""
        return {key: value for key, value in self.attributes.items() if value}


class Room:
    """The participants of a room, by identity; created by :class:`.room_manager.RoomManager`."""

    def __init__(self, services: RoomServices, *, sid: str, name: str, settings: RoomSettings, now: float) -> None:
        self.participants: Final[dict[str, Participant]] = {}
        self.settings: Final = settings
        self.backend_receivers: Final[dict[str, Callable[[Participant, models.DataPacket], None]]] = {}
        """Receivers of the packets that answer RPC calls of backends, by the identity of the caller and by the ID of
        the response stream."""
        self.packet_observer: Final = services.packet_observer
        self.traffic: Final = services.traffic
        self.data_tracks: Final = DataTrackManager(self.participants, services)
        self.media: Final = MediaTracks(
            self.participants, services, announce=self._announce_publisher, room_info=self.info
        )
        self._services: Final = services
        self.lifetime: Final = RoomLifetime(
            self.participants,
            now,
            empty_timeout=settings.empty_timeout,
            departure_timeout=settings.departure_timeout,
        )
        self._quality = QualityUpdates(now, rate=rate_participant, publishers=received_publishers)
        created_at = services.wall_time(now)
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
        """Return whether a participant may join; dependent ones do not count towards `max_participants`."""
        maximum = self.settings.max_participants
        independent = sum(not participant.is_dependent for participant in self.participants.values()) if maximum else 0
        is_full = bool(maximum) and independent >= maximum and not grants.is_dependent
        return not is_full and len(self.participants) < limits.MAX_PARTICIPANTS

    def info(self) -> models.Room:
        """Return a copy of the room's info, as clients receive it."""
        copy = models.Room()
        copy.CopyFrom(self._info)
        copy.num_publishers = sum(participant.is_publisher for participant in self.participants.values())
        copy.num_participants = sum(not participant.is_dependent for participant in self.participants.values())
        return copy

    def join(self, grants: Grants, parameters: JoinParameters, link: ParticipantLink, now: float) -> Participant:
        """Admit a participant, replacing the one with the same identity, and announce it."""
        older, previous_sid = self.participants.get(grants.identity), parameters.participant_sid
        is_full_reconnect = older is not None and older.is_replaced_by(previous_sid)
        if older is not None:
            # Others receive only the new sid, not a departure: their pending calls to this identity stay valid.
            self._evict(older, DisconnectReason.DUPLICATE_IDENTITY, announce=grants.permission.hidden)
        participant = Participant(
            sid=self._services.new_sid("PA_"),
            grants=grants,
            client=parameters.client,
            link=link,
            joined_at=self._services.wall_time(now),
            now=now,
            previous_sid=previous_sid,
            auto_subscribe=parameters.auto_subscribe,
            auto_subscribe_data_track=parameters.auto_subscribe_data_track,
        )
        if older is not None and is_full_reconnect:
            participant.take_over(older)
        participant.update(metadata=parameters.metadata, attributes=parameters.new_attributes)
        self._add(participant)
        subscriber_primary = not parameters.single_peer_connection
        others = self._visible_others(participant)
        link.send_signal(
            join_response(
                self.info(),
                participant.info(),
                others,
                subscriber_primary=subscriber_primary,
                sif_trailer=participant.media.sif_trailer,
            )
        )
        participant.set_state(State.JOINED)
        self.media.joined(participant, now)
        self.announce(participant)
        self._announce_participant_count(participant)
        self.send_refresh_token(participant, now)
        return participant

    def resume(self, participant: Participant, now: float) -> None:
        """Resume a participant on a new signal connection, which its link uses already."""
        participant.signal_lost_at = None
        participant.last_signal_at = now
        if participant.simulation.drops_before_response(now):
            self._drop_signal(participant, now)
            return
        send = participant.link.send_signal
        send(reconnect_response(participant.last_sequence))
        visible = [other.info() for other in self.participants.values() if other is participant or not other.hidden]
        participant.send_update(visible)
        send(rtc.SignalResponse(room_update=rtc.RoomUpdate(room=self.info())))
        participant.link.restart_transport()
        self.send_refresh_token(participant, now)
        if participant.simulation.drops_after_response(now):
            self._drop_signal(participant, now)

    def request_full_reconnect(self, participant: Participant, now: float) -> None:
        """Make a client that cannot resume join again; until then it stays in the room."""
        participant.link.send_signal(leave_response(DisconnectReason.STATE_MISMATCH))
        self._drop_signal(participant, now)

    def activate(self, participant: Participant, now: float) -> None:
        """Make a participant ACTIVE: its transport connected, for the first time or again."""
        participant.transport_failed_at = participant.transport_disconnected_at = None
        if participant.set_state(State.ACTIVE):
            self.announce(participant, to_itself=True)
            self.data_tracks.activate(participant)
            self._emit_joined(participant)
        self.flush(participant, now)

    def flush(self, participant: Participant, now: float) -> None:
        """Send a participant its waiting packets, if it can receive; remove it if it reads too slowly for them."""
        if not participant.flush(now):
            self.remove(participant, DisconnectReason.STATE_MISMATCH, now)

    def remove(
        self, participant: Participant, reason: DisconnectReason, now: float, *, send_leave: bool = True
    ) -> None:
        """Remove a participant and announce that; send it the reason, unless it asked to leave."""
        self._evict(participant, reason, send_leave=send_leave)
        self._departed(now)

    def _add(self, participant: Participant) -> None:
        self.participants[participant.identity] = participant
        self.lifetime.joined(participant)

    def _departed(self, now: float) -> None:
        self.lifetime.left(now)
        if self.lifetime.is_expired(now):
            self._services.close_idle_rooms(now)

    def _evict(
        self, participant: Participant, reason: DisconnectReason, *, announce: bool = True, send_leave: bool = True
    ) -> None:
        was_active = participant.state == State.ACTIVE
        if not participant.set_state(State.DISCONNECTED, reason):
            return
        del self.participants[participant.identity]
        self.data_tracks.remove(participant)
        self.media.remove(participant)
        if send_leave and reason != DisconnectReason.CLIENT_INITIATED:
            participant.link.send_signal(leave_response(reason))
        participant.link.close()
        if announce:
            self.announce(participant)
            self._announce_participant_count(participant)
        self._emit_left(participant, was_active=was_active)

    def move_out(self, participant: Participant, now: float) -> None:
        """Remove a participant that moves to another room; its connections stay open."""
        del self.participants[participant.identity]
        self.data_tracks.remove(participant)
        self.media.move_out(participant)
        if not participant.hidden:
            self._announce_departure(participant)
        self._announce_participant_count(participant)
        self._emit_left(participant, was_active=True)
        self._departed(now)

    def move_in(self, participant: Participant, now: float) -> None:
        """Admit a participant that moved out of another room; notify it and the participants of this room."""
        older = self.participants.get(participant.identity)
        if older is not None:
            self._evict(older, DisconnectReason.DUPLICATE_IDENTITY, announce=participant.hidden)
        participant.move_to(self.name, self._services.new_sid("PA_"))
        participant.link.moved(self.name)
        self._add(participant)
        self.media.move_in(participant)
        moved = rtc.RoomMovedResponse(
            room=self.info(),
            token=self._services.refresh_token(participant.grants, participant.info()),
            participant=participant.info(),
            other_participants=self._visible_others(participant),
        )
        participant.link.send_signal(rtc.SignalResponse(room_moved=moved))
        self.data_tracks.activate(participant)
        self.announce(participant)
        self._announce_participant_count(participant)
        self._emit_joined(participant)
        self.media.announced(participant, now)
        self.media.joined(participant, now)

    def _other_participants(self, participant: Participant) -> list[Participant]:
        return [other for other in self.participants.values() if other is not participant]

    def _visible_others(self, participant: Participant) -> list[models.ParticipantInfo]:
        return [other.info() for other in self._other_participants(participant) if not other.hidden]

    def announce(self, participant: Participant, *, to_itself: bool = False) -> None:
        """Send a participant's info to the other participants, unless it is hidden, and with `to_itself` to itself."""
        info = participant.info()
        if to_itself:
            participant.send_update([info])
        if not participant.hidden:
            for other in self._other_participants(participant):
                other.send_update([info])

    def _announce_publisher(self, participant: Participant) -> None:
        """Announce a change of a participant's tracks, and of the room's number of publishers."""
        self.announce(participant, to_itself=True)
        publishers = self.info().num_publishers
        if publishers != self._info.num_publishers:
            self._info.num_publishers = publishers
            self.announce_room()

    def _announce_departure(self, participant: Participant) -> None:
        """Announce a participant as DISCONNECTED to the other participants, although it is still connected."""
        info = participant.info()
        info.state = State.DISCONNECTED
        del info.data_tracks[:], info.tracks[:]
        for other in self._other_participants(participant):
            other.send_update([info])

    def announce_speaker(self, participant: Participant, *, active: bool) -> None:
        """Announce a simulated speaker to all participants, itself included."""
        speaker = models.SpeakerInfo(sid=participant.sid, level=SPEAKER_LEVEL if active else 0.0, active=active)
        changed = rtc.SignalResponse(speakers_changed=rtc.SpeakersChanged(speakers=[speaker]))
        for listener in self.participants.values():
            listener.link.send_signal(changed)

    def update_metadata(self, metadata: str) -> None:
        """Change the room's metadata and announce it."""
        self._info.metadata = metadata
        self.announce_room()

    def announce_room(self) -> None:
        """Send the room's info to all participants."""
        self._send_room_update(list(self.participants.values()))

    def _announce_participant_count(self, changed: Participant) -> None:
        """Send the room's info, with the number of participants, to all but the one that joined or left."""
        if not changed.is_dependent:
            self._send_room_update(self._other_participants(changed))

    def _send_room_update(self, receivers: list[Participant]) -> None:
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
        """Change a participant as `Participant.update` does; announce changes, and send it a new token."""
        if participant.update(name=name, metadata=metadata, attributes=attributes):
            self.announce(participant, to_itself=True)
            self.send_refresh_token(participant, now)

    def set_permission(self, participant: Participant, permission: models.ParticipantPermission, now: float) -> None:
        """Replace a participant's permissions, and announce them.

        As with livekit-server 1.13.5, participants that see one which becomes hidden keep seeing it, and receive no
        further updates about it, not even of its departure.
        """
        if permission == participant.permission:
            return
        participant.set_permission(permission)
        self.data_tracks.permission_changed(participant)
        self.media.permission_changed(participant)
        self.announce(participant, to_itself=True)
        self.send_refresh_token(participant, now)

    def send_refresh_token(self, participant: Participant, now: float) -> None:
        """Send a participant a token to reconnect with, if the server mints them."""
        participant.token_refreshed_at = now
        token = self._services.refresh_token(participant.grants, participant.info())
        if token:
            participant.link.send_signal(rtc.SignalResponse(refresh_token=token))

    def wall_time_ms(self, now: float) -> int:
        """Return the Unix time at `now` in milliseconds."""
        return int(self._services.wall_time(now) * 1000)

    def tick(self, now: float) -> None:
        """Expire timeouts; call it about once per second."""
        for participant in list(self.participants.values()):
            participant.expire_resend_buffer(now)
            if participant.signal_lost_at is None and now - participant.last_signal_at >= limits.PING_TIMEOUT:
                self._drop_signal(participant, now)
            self._end_simulated_speech(participant, now)
            if _is_timed_out(participant, now):
                self.remove(participant, _timeout_reason(participant), now)
            elif now - participant.token_refreshed_at >= limits.TOKEN_REFRESH_INTERVAL:
                self.send_refresh_token(participant, now)
        self.media.tick(now)
        self._quality.tick(self.participants.values(), now)

    def _end_simulated_speech(self, participant: Participant, now: float) -> None:
        until = participant.simulation.speaking_until
        if until is not None and now >= until:
            participant.simulation.speaking_until = None
            self.announce_speaker(participant, active=False)

    def _drop_signal(self, participant: Participant, now: float) -> None:
        participant.signal_lost_at = now
        participant.link.drop_signal()

    def _emit_joined(self, participant: Participant) -> None:
        self._services.emit(lambda: ParticipantJoined(room=self.info(), participant=participant.info()))

    def _emit_left(self, participant: Participant, *, was_active: bool) -> None:
        self._services.emit(
            lambda: ParticipantLeft(room=self.info(), participant=participant.info(), was_active=was_active)
        )


def _is_timed_out(participant: Participant, now: float) -> bool:
    signal_lost, transport_failed = participant.signal_lost_at, participant.transport_failed_at
    if participant.state < State.ACTIVE:
        has_given_up = signal_lost is not None and not participant.is_reconnect
        if has_given_up or now - participant.joined_at >= limits.JOIN_TIMEOUT:
            return True
    disconnected = participant.transport_disconnected_at
    if (
        signal_lost is not None
        and disconnected is not None
        and now - max(signal_lost, disconnected) >= limits.DISCONNECTED_GRACE
    ):
        return True
    return any(lost is not None and now - lost >= limits.RESUME_WINDOW for lost in (signal_lost, transport_failed))


def _timeout_reason(participant: Participant) -> DisconnectReason:
    if participant.state < State.ACTIVE and not participant.is_reconnect:
        return DisconnectReason.JOIN_FAILURE
    if participant.state < State.ACTIVE or participant.transport_disconnected_at is not None:
        return DisconnectReason.CONNECTION_TIMEOUT
    return DisconnectReason.SIGNAL_CLOSE
