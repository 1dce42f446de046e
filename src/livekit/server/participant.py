"""A participant of a room on the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from livekit._util.logs import fields
from livekit.protocol import models, rtc

from .media.participant_media import ParticipantMedia
from .packet_buffers import OutboundPacket, ResendBuffer, WaitingPackets
from .participant_data_tracks import ParticipantDataTracks
from .participant_link import ParticipantLink
from .permissions import Grants, is_dependent
from .simulation_state import SimulationState

State = models.ParticipantInfo.State
# Bound once: every packet needs them, and protobuf enums look up their members by name.
ACTIVE = State.ACTIVE
DISCONNECTED = State.DISCONNECTED
_AGENT = models.ParticipantInfo.AGENT
_KIND_TAG = 0x08
"""DataPacket.kind: field 1, varint."""
_EMPTY_IDENTITY = b"\x22\x00"
"""DataPacket.participant_identity: field 4, empty."""


class Participant:
    """Identity, state, permissions and outbound packets of one participant."""

    def __init__(
        self,
        *,
        sid: str,
        grants: Grants,
        client: models.ClientInfo,
        link: ParticipantLink,
        joined_at: float,
        now: float,
        previous_sid: str = "",
        auto_subscribe: bool = True,
        auto_subscribe_data_track: bool = False,
    ) -> None:
        """`previous_sid` is the sid that the client had before a full reconnect."""
        self.sid = sid
        self.identity: Final = grants.identity
        self.state = State.JOINING
        self.grants = grants
        self.client: Final = client
        self.link: Final = link
        self.joined_at: Final = now
        self.last_signal_at = now
        """Time of the last signal message from the participant."""
        self.signal_lost_at: float | None = None
        """Time at which the signal connection was lost; None while it is open."""
        self.transport_failed_at: float | None = None
        """Time at which the transport failed; None before it connects and while it is usable."""
        self.transport_disconnected_at: float | None = None
        """Time since which the transport has been silent; None before it connects and while it is connected."""
        self.last_sequence = 0
        """Sequence number of the last reliable packet received from this participant."""
        self.token_refreshed_at = now
        self.data_tracks: Final = ParticipantDataTracks(auto_subscribe=auto_subscribe_data_track)
        self.media: Final = ParticipantMedia(auto_subscribe=auto_subscribe)
        self.simulation: Final = SimulationState()
        self._previous_sid = previous_sid
        self._awaits_sync = False
        """The transport was replaced, and the resend buffer has not been replayed on the new one yet."""
        self._received: dict[str, int] | None = None
        """Last sequence number that the client has of each sender sid; None until its SyncState arrives."""
        self._waiting = WaitingPackets()
        self._sent = ResendBuffer()
        self._info = _initial_info(sid, grants, client, joined_at)
        self._cache_permission()

    def __repr__(self) -> str:
        return f"<Participant {self.identity!r} {self.sid} {State.Name(self.state)}>"

    @property
    def permission(self) -> models.ParticipantPermission:
        return self._info.permission

    @property
    def visible_identity(self) -> str:
        """The sender identity in its packets; empty if the participant is hidden."""
        return "" if self.hidden else self.identity

    @property
    def log_fields(self) -> dict[str, str]:
        """The `extra` fields of log records about this participant."""
        return fields(room=self.grants.room, participant=self.identity, connection=self.sid)

    def sender_fields(self, *, reliable: bool) -> bytes:
        """Return the serialized sender and kind fields of a DataPacket, to be appended to a packet."""
        return self._sender_fields[reliable]

    def info(self) -> models.ParticipantInfo:
        """Return a copy of the participant's info, as clients receive it."""
        copy = models.ParticipantInfo()
        copy.CopyFrom(self._info)
        return copy

    def set_state(
        self,
        state: models.ParticipantInfo.State,
        reason: models.DisconnectReason = models.DisconnectReason.UNKNOWN_REASON,
    ) -> bool:
        """Advance to a later state; return False if the participant has reached it already."""
        if state <= self.state:
            return False
        self._info.state = self.state = state
        self._info.disconnect_reason = reason
        self._info.version += 1
        return True

    def update(self, *, name: str = "", metadata: str = "", attributes: Mapping[str, str] | None = None) -> bool:
        """Change name, metadata and attributes; empty arguments change nothing, an empty attribute is deleted.

        Returns False if that changes nothing; as on LiveKit's server, any attributes count as a change.
        """
        info = self._info
        if not attributes and name in ("", info.name) and metadata in ("", info.metadata):
            return False
        info.name = name or info.name
        info.metadata = metadata or info.metadata
        for key, value in (attributes or {}).items():
            if value:
                info.attributes[key] = value
            else:
                info.attributes.pop(key, None)
        info.version += 1
        return True

    def move_to(self, room: str, sid: str) -> None:
        """Change room and sid; the subscriptions to data tracks are dropped."""
        self.grants = replace(self.grants, room=room)
        self._info.sid = self.sid = sid
        self._cache_permission()
        self.data_tracks.handles.clear()
        self.data_tracks.refused.clear()

    def set_permission(self, permission: models.ParticipantPermission) -> None:
        """Replace the permissions.

        As with livekit-server 1.13.5, a connected participant that may publish counts as a publisher from then on.
        """
        self._info.permission.CopyFrom(permission)
        self._info.is_publisher = permission.can_publish and (self._info.is_publisher or self.state == ACTIVE)
        self._info.version += 1
        self._cache_permission()

    def _cache_permission(self) -> None:
        """Cache what forwarding reads for every packet."""
        permission = self._info.permission
        self.hidden = permission.hidden
        self.is_agent = self._info.kind == _AGENT or permission.agent
        self.is_dependent = is_dependent(self.grants.kind, permission)
        self.may_publish_data = permission.can_publish_data
        self._sender_fields = [
            _serialize_sender(self.sid, self.visible_identity, reliable=reliable) for reliable in (False, True)
        ]

    def merged_attributes(self, changes: Mapping[str, str]) -> dict[str, str]:
        """Return the attributes as `update` would leave them after `changes`."""
        return {key: value for key, value in {**self._info.attributes, **changes}.items() if value}

    @property
    def waiting_bytes(self) -> int:
        """Bytes of reliable packets that wait until the participant can receive."""
        return self._waiting.size

    @property
    def resend_bytes(self) -> int:
        """Bytes of reliable packets that are kept in case the transport is replaced."""
        return self._sent.size

    def send_update(self, infos: Iterable[models.ParticipantInfo]) -> None:
        """Send a participant update about others or about the participant itself."""
        self.link.send_signal(rtc.SignalResponse(update=rtc.ParticipantUpdate(participants=infos)))

    def send_lossy(self, data: bytes) -> None:
        """Send a lossy packet; it is dropped unless the participant is ACTIVE."""
        if self.state == ACTIVE:
            self.link.send_packet(data, reliable=False)

    def send_track_packet(self, data: bytes) -> None:
        """Send a data track packet; it is dropped unless the participant is ACTIVE."""
        if self.state == ACTIVE:
            self.link.send_track_packet(data)

    def update_data_track_info(self) -> None:
        """Copy the published data tracks into the participant's info."""
        del self._info.data_tracks[:]
        self._info.data_tracks.extend(self.data_tracks.published.values())
        self._info.is_publisher |= bool(self.data_tracks.published)
        self._info.version += 1

    def update_track_info(self) -> None:
        """Copy the published media tracks into the participant's info."""
        del self._info.tracks[:]
        self._info.tracks.extend(track.info for track in self.media.published.values())
        self._info.is_publisher |= bool(self.media.published)
        self._info.version += 1

    @property
    def is_publisher(self) -> bool:
        """True once it has published a track."""
        return self._info.is_publisher

    def may_publish_source(self, source: models.TrackSource) -> bool:
        """Return whether the participant may publish media tracks of a source."""
        permission = self._info.permission
        sources = permission.can_publish_sources
        return permission.can_publish and (not sources or source in sources)

    def send_reliable(self, packet: OutboundPacket, now: float) -> bool:
        """Send a reliable packet now, or once the participant can receive.

        Returns False if its backlog is full: it reads too slowly and must be removed.
        """
        state = self.state
        if state == DISCONNECTED:
            return True
        if state < ACTIVE or self._awaits_sync:
            return self._waiting.add(packet)
        self._sent.add(packet, now)
        return self.link.send_packet(packet.data, reliable=True, sender=packet.sender_sid)

    def expire_resend_buffer(self, now: float) -> None:
        """Discard sent packets that are too old to be sent again, even if no further packet is sent."""
        self._sent.expire(now)

    @property
    def is_reconnect(self) -> bool:
        """True if the client joined by a full reconnect."""
        return bool(self._previous_sid)

    def supersedes(self, previous_sid: str) -> bool:
        """Return whether this participant is ACTIVE and already replaced `previous_sid`.

        A full reconnect from `previous_sid` is then a late attempt that the client has abandoned.
        """
        return bool(previous_sid) and previous_sid == self._previous_sid and self.state == ACTIVE

    def is_replaced_by(self, previous_sid: str) -> bool:
        """Return whether a full reconnect from `previous_sid` replaces this participant.

        Its client may have been admitted again since, without having received the response.
        """
        return bool(previous_sid) and (
            previous_sid == self.sid or (self.state < ACTIVE and previous_sid == self._previous_sid)
        )

    def take_over(self, older: Participant) -> None:
        """Inherit the packet state of `older` after a full reconnect.

        Packets that `older` sent are not accepted again; packets that its client lacks are sent once its
        SyncState has arrived.
        """
        self.last_sequence = older.last_sequence
        self._sent, self._waiting = older._sent, older._waiting
        self.transport_replaced()

    def transport_replaced(self) -> None:
        """Hold back reliable packets until `flush`: the old transport may have lost some of those sent on it."""
        self._awaits_sync = True
        self._received = None

    def set_received(self, received: Mapping[str, int]) -> None:
        """Store the last sequence number that the client has of each sender sid, from its SyncState."""
        self._received = dict(received)

    def flush(self, now: float) -> bool:
        """Send the waiting packets if the transport is connected.

        After a transport was replaced, the packets that it lost are sent first, once the client's SyncState has
        arrived. Returns False if the backlog is full: the participant reads too slowly and must be removed.
        """
        if self.state != ACTIVE or self.transport_failed_at is not None:
            return True
        if self._awaits_sync:
            if self._received is None:
                return True
            self._awaits_sync = False
            for packet in self._sent.missing(self._received, now):
                self.link.send_packet(packet.data, reliable=True, sender=packet.sender_sid)
        return all(self.send_reliable(packet, now) for packet in self._waiting.drain())


def _serialize_sender(sid: str, identity: str, *, reliable: bool) -> bytes:
    """Serialize fields 1, 4 and 17 of a DataPacket, including those that are 0 or empty, which protobuf omits."""
    kind = models.DataPacket.RELIABLE if reliable else models.DataPacket.LOSSY
    sender = models.DataPacket(participant_sid=sid, participant_identity=identity).SerializeToString()
    return bytes((_KIND_TAG, kind)) + (sender if identity else _EMPTY_IDENTITY + sender)


def _initial_info(sid: str, grants: Grants, client: models.ClientInfo, joined_at: float) -> models.ParticipantInfo:
    return models.ParticipantInfo(
        sid=sid,
        identity=grants.identity,
        name=grants.name,
        metadata=grants.metadata,
        attributes=dict(grants.attributes),
        kind=grants.kind,
        kind_details=grants.kind_details,
        permission=grants.permission,
        state=State.JOINING,
        joined_at=int(joined_at),
        joined_at_ms=int(joined_at * 1000),
        version=1,
        client_protocol=client.client_protocol,
        capabilities=client.capabilities,
    )
