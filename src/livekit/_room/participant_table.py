"""The participants of a room, kept in step with the server's announcements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from livekit.participant import ConnectionQuality, Participant, ParticipantRecord, RemoteParticipant
from livekit.protocol import models, rtc
from livekit.rpc.peer_info import ABSENT, PeerInfo
from livekit.rpc.wire import PROTOCOL_INLINE_STREAMS

_State = models.ParticipantInfo.State
_DEFLATE = models.ClientInfo.Capability.CAP_COMPRESSION_DEFLATE_RAW
_LOCAL_CLIENT_PROTOCOL = 2
"""The `client_protocol` that this package announces."""

MAX_PACKET_SENDERS = 4_096
"""Remembered senders of packets. Calls made by the server use a new identity each."""
MAX_LEFT_SIDS = 1_024
"""Remembered sids of participants that left. Their last packets may arrive after the announcement."""


class ParticipantListener(Protocol):
    """Learns of changes before the application's callbacks run."""

    def on_peer_changed(self, identity: str) -> None:
        """The participant was announced, or it is ready now."""
        ...

    def on_peer_left(self, identity: str) -> None:
        """The participant left."""
        ...

    def on_peer_missing(self, identity: str) -> None:
        """The participant is not in the room after our own full reconnect. It may be reconnecting too."""
        ...

    def on_peer_restarted(self, identity: str) -> None:
        """The participant has a new sid without having left (full reconnect)."""
        ...

    def on_tracks(self, participant: RemoteParticipant, record: ParticipantRecord, *, announce: bool) -> None:
        """The participant's tracks were announced; without events if `announce` is False."""
        ...

    def on_tracks_ended(self, record: ParticipantRecord) -> None:
        """The participant leaves, and `participant_disconnected` follows."""
        ...


class ParticipantTable:
    """The participants of one room; an `rpc.peer_info.PeerLookup`."""

    def __init__(
        self,
        local: Participant,
        local_record: ParticipantRecord,
        emit: Callable[..., None],
        listener: ParticipantListener,
    ) -> None:
        self.local = local
        self.local_info = local_record.info
        self.remotes: dict[str, RemoteParticipant] = {}
        self._local_record = local_record
        self._records: dict[str, ParticipantRecord] = {}
        """The records behind `remotes`."""
        self._emit = emit
        self._listener = listener
        self._packet_sids: dict[str, str] = {}
        """The sid in each sender's last packet; empty if the packet had none."""
        self._left_sids: dict[str, None] = {}
        self._peers: dict[str, PeerInfo] = {}
        """Cache of `peer` for remote participants, invalidated wherever its result may change."""

    # PeerLookup

    def peer(self, identity: str) -> PeerInfo:
        """Return the participant as calls see it; `ABSENT` if the identity is unknown."""
        peer = self._peers.get(identity)
        if peer is None:
            peer = self._build_peer(identity)
            if identity in self.remotes:
                self._peers[identity] = peer
        return peer

    def _build_peer(self, identity: str) -> PeerInfo:
        if identity == self.local_info.identity:
            return PeerInfo(listed=True, ready=True, client_protocol=_LOCAL_CLIENT_PROTOCOL)
        record = self._records.get(identity)
        sends_packets = identity in self._packet_sids
        if record is None:
            return PeerInfo(listed=True, ready=True, announced=False) if sends_packets else ABSENT
        info = record.info
        return PeerInfo(
            listed=True,
            ready=sends_packets or info.state == _State.ACTIVE,
            client_protocol=info.client_protocol,
            deflate=_DEFLATE in info.capabilities,
            can_publish_data=info.permission.can_publish_data if info.HasField("permission") else True,
        )

    def blocked_reason(self) -> str | None:
        """Return the reason code for which this participant cannot make calls, or None."""
        info = self.local_info
        if not info.HasField("permission"):
            return None
        if not info.permission.can_publish_data:
            return "cannot_publish_data"
        return "hidden_caller" if info.permission.hidden else None

    # Queries

    @property
    def may_publish_data(self) -> bool:
        """True if the local token grants publishing data."""
        info = self.local_info
        return info.permission.can_publish_data if info.HasField("permission") else True

    @property
    def infos(self) -> Mapping[str, models.ParticipantInfo]:
        """The announced remote participants by identity."""
        return {identity: record.info for identity, record in self._records.items()}

    def stream_capabilities(self, identities: Collection[str]) -> tuple[bool, bool]:
        """Return (inline streams, deflated streams): True if all of the receivers support them.

        Without identities, the receivers are all participants of the room.
        """
        peers = [self.peer(identity) for identity in identities or self.remotes.keys() | self._packet_sids.keys()]
        inline = all(peer.client_protocol >= PROTOCOL_INLINE_STREAMS for peer in peers)
        return inline, inline and all(peer.deflate for peer in peers)

    def participant(self, identity: str) -> Participant | None:
        """Return the local or a remote participant by identity."""
        return self.local if identity and identity == self.local_info.identity else self.remotes.get(identity)

    def by_sid(self, sid: str) -> Participant | None:
        """Return the local or a remote participant by sid."""
        if sid == self.local_info.sid:
            return self.local
        return next((participant for participant in self.remotes.values() if participant.sid == sid), None)

    def sender_identity(self, packet: models.DataPacket) -> str:
        """Return the identity of the participant that sent a packet.

        `participant_identity` names another participant if an agent sends on its behalf; then the sid is the agent's.
        """
        named, sid = packet.participant_identity, packet.participant_sid
        if not sid or self._packet_sids.get(named) == sid:
            return named
        record = self._records.get(named)
        if record is not None and record.info.sid == sid:
            return named
        return next((identity for identity, other in self._records.items() if other.info.sid == sid), named)

    # Announcements

    def apply_join(self, local: models.ParticipantInfo, others: Iterable[models.ParticipantInfo]) -> None:
        """Apply the state of the room in a JoinResponse, after joining or a full reconnect.

        The first join emits no events for participants that were in the room before.
        """
        first = not self.local_info.sid
        self.local_info.CopyFrom(local)
        present = {info.identity: info for info in others}
        for identity in [identity for identity in self.remotes if identity not in present]:
            self._remove(identity, self._records[identity].info, self._listener.on_peer_missing)
        self._packet_sids = {identity: sid for identity, sid in self._packet_sids.items() if identity in present}
        self._peers.clear()
        for info in present.values():
            if first:
                self._listener.on_tracks(self._add(info), self._records[info.identity], announce=False)
            else:
                self._update_one(info)

    def apply_move(self, local: models.ParticipantInfo, others: Iterable[models.ParticipantInfo]) -> None:
        """Apply a RoomMovedResponse: replace all participants by those of the new room."""
        for identity in list(self.remotes):
            self._remove(identity, self._records[identity].info, self._listener.on_peer_left)
        self._packet_sids.clear()
        self._peers.clear()
        self._update_info(self.local, self._local_record, local)
        for info in others:
            self._add_and_emit(info)

    def update(self, infos: Iterable[models.ParticipantInfo]) -> None:
        """Apply a ParticipantUpdate."""
        for info in infos:
            self._update_one(info)

    def update_connection_quality(self, updates: Iterable[rtc.ConnectionQualityInfo]) -> None:
        """Apply the entries of a ConnectionQualityUpdate. Ignores unknown sids."""
        by_sid = {self.local_info.sid: (self.local, self._local_record)}
        for identity, record in self._records.items():
            by_sid[record.info.sid] = self.remotes[identity], record
        for update in updates:
            if update.participant_sid in by_sid:
                participant, record = by_sid[update.participant_sid]
                record.connection_quality = ConnectionQuality(int(update.quality))
                self._emit("connection_quality_changed", participant, record.connection_quality)

    def packet_received(self, identity: str, sid: str = "") -> None:
        """Record the sender of a packet: it is in the room and ready, even if it has not been announced yet."""
        if not identity or self._packet_sids.get(identity) == sid or sid in self._left_sids:
            return
        self._packet_sids.pop(identity, None)
        self._packet_sids[identity] = sid
        self._peers.pop(identity, None)
        if len(self._packet_sids) > MAX_PACKET_SENDERS:
            oldest = next(iter(self._packet_sids))
            del self._packet_sids[oldest]
            self._peers.pop(oldest, None)
        self._listener.on_peer_changed(identity)

    def disconnect(self, reason: models.DisconnectReason) -> None:
        """Mark the local participant as disconnected, and end the audio streams of all."""
        self.local_info.disconnect_reason = reason
        self.local_info.state = _State.DISCONNECTED
        for record in (self._local_record, *self._records.values()):
            record.end_audio()

    def _update_one(self, info: models.ParticipantInfo) -> None:
        if info.identity == self.local_info.identity:
            if info.sid == self.local_info.sid:
                self._update_info(self.local, self._local_record, info)
            return
        record = self._records.get(info.identity)
        if info.state == _State.DISCONNECTED:
            self._remember_left_sid(info.sid)
            if record is not None and record.info.sid == info.sid:
                self._remove(info.identity, info, self._listener.on_peer_left)
            elif record is None and self._packet_sids.get(info.identity) == info.sid:
                del self._packet_sids[info.identity]  # it sent packets and left before it was announced
                self._listener.on_peer_left(info.identity)
            return
        if record is None:
            self._add_and_emit(info)
        elif record.info.sid != info.sid:
            self._restart(record, info)
        else:
            self._update_info(self.remotes[info.identity], record, info)

    def _add(self, info: models.ParticipantInfo) -> RemoteParticipant:
        record = self._records[info.identity] = ParticipantRecord(info)
        participant = self.remotes[info.identity] = RemoteParticipant(record)
        self._peers.pop(info.identity, None)
        self._listener.on_peer_changed(info.identity)
        return participant

    def _add_and_emit(self, info: models.ParticipantInfo) -> None:
        participant = self._add(info)
        self._emit("participant_connected", participant)
        if info.state == _State.ACTIVE:
            self._emit("participant_active", participant)
        if info.identity in self._records:
            self._listener.on_tracks(participant, self._records[info.identity], announce=True)

    def _restart(self, record: ParticipantRecord, info: models.ParticipantInfo) -> None:
        """Replace a participant that has a new sid without having left (full reconnect).

        Its calls continue. The application sees a leave and a join, as with the official SDK.
        """
        self._remember_left_sid(record.info.sid)
        if self._packet_sids.get(info.identity) != info.sid:
            self._packet_sids.pop(info.identity, None)
        record.info.state = _State.DISCONNECTED
        del self._records[info.identity]
        participant = self.remotes.pop(info.identity)
        self._peers.pop(info.identity, None)
        self._listener.on_peer_restarted(info.identity)
        self._listener.on_tracks_ended(record)
        self._emit("participant_disconnected", participant)
        self._add_and_emit(info)

    def _remember_left_sid(self, sid: str) -> None:
        if sid:
            self._left_sids[sid] = None
        if len(self._left_sids) > MAX_LEFT_SIDS:
            del self._left_sids[next(iter(self._left_sids))]

    def _remove(self, identity: str, info: models.ParticipantInfo, notify: Callable[[str], None]) -> None:
        participant = self.remotes.pop(identity)
        record = self._records.pop(identity)
        self._remember_left_sid(record.info.sid)
        self._packet_sids.pop(identity, None)
        self._peers.pop(identity, None)
        record.info.CopyFrom(info)
        record.info.state = _State.DISCONNECTED
        notify(identity)
        self._listener.on_tracks_ended(record)
        self._emit("participant_disconnected", participant)

    def _update_info(self, participant: Participant, record: ParticipantRecord, info: models.ParticipantInfo) -> None:
        """Update a participant and emit its changes. Ignores an older version of the same sid."""
        old = models.ParticipantInfo()
        old.CopyFrom(record.info)
        if info.sid == old.sid and info.version and info.version < old.version:
            return
        record.info.CopyFrom(info)
        self._peers.pop(info.identity, None)
        if isinstance(participant, RemoteParticipant):
            self._listener.on_peer_changed(info.identity)
        self._emit_changes(participant, old, info)
        if isinstance(participant, RemoteParticipant):
            self._listener.on_tracks(participant, record, announce=True)
            if info.state == _State.ACTIVE and old.state != _State.ACTIVE:
                self._emit("participant_active", participant)

    def _emit_changes(self, participant: Participant, old: models.ParticipantInfo, new: models.ParticipantInfo) -> None:
        if new.name != old.name:
            self._emit("participant_name_changed", participant, old.name, new.name)
        if new.metadata != old.metadata:
            self._emit("participant_metadata_changed", participant, old.metadata, new.metadata)
        before, after = dict(old.attributes), dict(new.attributes)
        if before != after:
            changed = {key: value for key, value in after.items() if before.get(key) != value}
            changed.update({key: "" for key in before if key not in after})
            self._emit("participant_attributes_changed", changed, participant)
        if new.permission != old.permission:
            self._emit("participant_permissions_changed", participant, participant.permissions)
