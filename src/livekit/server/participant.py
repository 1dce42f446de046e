"""A participant of a room, as the server sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from livekit._util.logs import fields
from livekit.protocol import models, rtc

from .data_tracks import DataTracks
from .packet_buffers import OutboundPacket, ResendBuffer, WaitingPackets
from .participant_link import ParticipantLink
from .permissions import Grants
from .simulated_scenarios import Simulated

State = models.ParticipantInfo.State
# Looked up once: these are asked for with every packet, and an enum of protobuf looks its members up by name.
ACTIVE = State.ACTIVE
DISCONNECTED = State.DISCONNECTED
_AGENT = models.ParticipantInfo.AGENT
_KIND_TAG = 0x08
"""DataPacket.kind: field 1, varint."""
_NOBODY = b"\x22\x00"
"""DataPacket.participant_identity: field 4, empty."""


class Participant:
    """Identity, state, permissions and the packets on their way to one participant."""

    def __init__(
        self,
        *,
        sid: str,
        grants: Grants,
        client: models.ClientInfo,
        link: ParticipantLink,
        joined_at: float,
        now: float,
        predecessor: str = "",
    ) -> None:
        """`predecessor`: the sid that the client had before it reconnected in full."""
        self.sid = sid
        self.identity: Final = grants.identity
        self.state = State.JOINING
        self.grants = grants
        self.client: Final = client
        self.link: Final = link
        self.joined_at: Final = now
        self.signal_seen = now
        """When the last signal message came."""
        self.signal_lost_at: float | None = None
        """When the signal connection was lost; None while it lives."""
        self.transport_lost_at: float | None = None
        """When the transport was lost for good; None while it lives, and before it is up."""
        self.transport_silent_at: float | None = None
        """Since when nothing is heard over the transport; None while it is heard, and before it is up."""
        self.last_sequence = 0
        """Sequence of the last reliable packet that came from this participant."""
        self.token_refreshed_at = now
        self.data_tracks: Final = DataTracks()
        self.simulated: Final = Simulated()
        self._predecessor = predecessor
        self._is_replaced = False
        self._received: dict[str, int] | None = None
        self._waiting = WaitingPackets()
        self._sent = ResendBuffer()
        self._info = _first_info(sid, grants, client, joined_at)
        self._permitted()

    def __repr__(self) -> str:
        return f"<Participant {self.identity!r} {self.sid} {State.Name(self.state)}>"

    @property
    def permission(self) -> models.ParticipantPermission:
        return self._info.permission

    @property
    def is_dependent(self) -> bool:
        """It is there because of others, as :attr:`.permissions.Grants.is_dependent` says."""
        return self.grants.is_dependent

    @property
    def shown_identity(self) -> str:
        """What its packets name as their sender: nobody, if it is hidden."""
        return "" if self.hidden else self.identity

    @property
    def log_fields(self) -> dict[str, str]:
        """What log records about this participant carry."""
        return fields(room=self.grants.room, participant=self.identity, connection=self.sid)

    def stamp(self, *, reliable: bool) -> bytes:
        """The fields of a packet that say who sent it and how, serialised; to be put behind the packet."""
        return self._stamps[reliable]

    def info(self) -> models.ParticipantInfo:
        """A copy of what the room tells about this participant."""
        copy = models.ParticipantInfo()
        copy.CopyFrom(self._info)
        return copy

    def set_state(
        self,
        state: models.ParticipantInfo.State,
        reason: models.DisconnectReason = models.DisconnectReason.UNKNOWN_REASON,
    ) -> bool:
        """Go on to a later state; False if the participant is there already."""
        if state <= self.state:
            return False
        self._info.state = self.state = state
        self._info.disconnect_reason = reason
        self._info.version += 1
        return True

    def update(self, *, name: str = "", metadata: str = "", attributes: Mapping[str, str] | None = None) -> None:
        """Change what is given; an attribute set to nothing is deleted."""
        if name:
            self._info.name = name
        if metadata:
            self._info.metadata = metadata
        for key, value in (attributes or {}).items():
            if value:
                self._info.attributes[key] = value
            else:
                self._info.attributes.pop(key, None)
        self._info.version += 1

    def moved(self, room: str, sid: str) -> None:
        """The participant is in another room now, under a new sid and without the data tracks it had."""
        self.grants = replace(self.grants, room=room)
        self._info.sid = self.sid = sid
        self._permitted()
        self.data_tracks.published.clear()
        self.data_tracks.handles.clear()
        self.data_tracks_changed()

    def set_permission(self, permission: models.ParticipantPermission) -> None:
        """Replace what the participant may do."""
        self._info.permission.CopyFrom(permission)
        self._info.version += 1
        self._permitted()

    def _permitted(self) -> None:
        """Look up what is asked for with every packet."""
        permission = self._info.permission
        self.hidden = permission.hidden
        self.is_agent = self._info.kind == _AGENT or permission.agent
        self.may_publish_data = permission.can_publish_data
        self._stamps = [_stamp(self.sid, self.shown_identity, reliable=reliable) for reliable in (False, True)]

    def merged_attributes(self, changes: Mapping[str, str]) -> dict[str, str]:
        """The attributes as they would be after `changes`."""
        return {key: value for key, value in {**self._info.attributes, **changes}.items() if value}

    @property
    def waiting_bytes(self) -> int:
        """Reliable packets that wait until it can receive."""
        return self._waiting.size

    @property
    def resend_bytes(self) -> int:
        """Reliable packets that are kept in case that its transport is replaced."""
        return self._sent.size

    def send_update(self, infos: Iterable[models.ParticipantInfo]) -> None:
        """Tell the participant about others, or about itself."""
        self.link.send_signal(rtc.SignalResponse(update=rtc.ParticipantUpdate(participants=infos)))

    def send_lossy(self, data: bytes) -> None:
        """Send a packet that may be lost; dropped unless the participant is ACTIVE."""
        if self.state == ACTIVE:
            self.link.send_packet(data, reliable=False)

    def send_track_packet(self, data: bytes) -> None:
        """Send a packet of a data track; dropped unless the participant is ACTIVE."""
        if self.state == ACTIVE:
            self.link.send_track_packet(data)

    def data_tracks_changed(self) -> None:
        """What the participant publishes is another."""
        del self._info.data_tracks[:]
        self._info.data_tracks.extend(self.data_tracks.published.values())
        self._info.version += 1

    def send_reliable(self, packet: OutboundPacket, now: float) -> bool:
        """Send a packet now, or once the participant can receive. False: it is too slow, and to be removed."""
        state = self.state
        if state == DISCONNECTED:
            return True
        if state < ACTIVE or self._is_replaced:
            return self._waiting.add(packet)
        self._sent.add(packet, now)
        return self.link.send_packet(packet.data, reliable=True, sender=packet.sender_sid)

    def forget_sent(self, now: float) -> None:
        """Let go of what was sent too long ago to be sent again: there may be no next packet that does it."""
        self._sent.forget(now)

    @property
    def is_continuation(self) -> bool:
        """Whether its client was here before and has come back by a full reconnect."""
        return bool(self._predecessor)

    def came_after(self, last_sid: str) -> bool:
        """Whether this participant goes on as `last_sid` already, and is up: who asks for that now is an attempt that
        its client gave up, and that comes late."""
        return bool(last_sid) and last_sid == self._predecessor and self.state == ACTIVE

    def is_continued_by(self, last_sid: str) -> bool:
        """Whether this is the participant that a client means who reconnects in full and had `last_sid` before: it may
        have been admitted since without learning of it."""
        return bool(last_sid) and (last_sid == self.sid or (self.state < ACTIVE and last_sid == self._predecessor))

    def continue_from(self, older: Participant) -> None:
        """Go on where `older` stopped: what it sent is not taken again, and what it lacks is sent to this one, once
        that has told what it has."""
        self.last_sequence = older.last_sequence
        self._sent, self._waiting = older._sent, older._waiting
        self.transport_replaced()

    def transport_replaced(self) -> None:
        """The transport is made anew: what was sent on the old one may be lost. New packets wait until `flush`."""
        self._is_replaced = True
        self._received = None

    def synchronized(self, received: Mapping[str, int]) -> None:
        """The participant resumed and says what it has: the last sequence of each sender sid."""
        self._received = dict(received)

    def flush(self, now: float) -> bool:
        """Send what waited, if the transport is up: first what a replaced one lost, as far as the participant told
        what it has. False: it is too slow, and to be removed."""
        if self.state != ACTIVE or self.transport_lost_at is not None:
            return True
        if self._is_replaced:
            if self._received is None:
                return True
            self._is_replaced = False
            for packet in self._sent.after(self._received, now):
                self.link.send_packet(packet.data, reliable=True, sender=packet.sender_sid)
        return all(self.send_reliable(packet, now) for packet in self._waiting.drain())


def _stamp(sid: str, identity: str, *, reliable: bool) -> bytes:
    """Fields 1, 4 and 17 of a DataPacket, of which protobuf itself would leave out those that are 0 or empty."""
    kind = models.DataPacket.RELIABLE if reliable else models.DataPacket.LOSSY
    named = models.DataPacket(participant_sid=sid, participant_identity=identity).SerializeToString()
    return bytes((_KIND_TAG, kind)) + (named if identity else _NOBODY + named)


def _first_info(sid: str, grants: Grants, client: models.ClientInfo, joined_at: float) -> models.ParticipantInfo:
    return models.ParticipantInfo(
        sid=sid,
        identity=grants.identity,
        name=grants.name,
        metadata=grants.metadata,
        attributes=dict(grants.attributes),
        kind=grants.kind,
        permission=grants.permission,
        state=State.JOINING,
        joined_at=int(joined_at),
        joined_at_ms=int(joined_at * 1000),
        version=1,
        client_protocol=client.client_protocol,
        capabilities=client.capabilities,
    )
