"""Who is in the room: the server's announcements, applied to the participants that users hold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from livekit.participant import LocalParticipant, Participant, RemoteParticipant
from livekit.protocol import models
from livekit.rpc.peer_info import ABSENT, Peer
from livekit.rpc.wire import PROTOCOL_INLINE_STREAMS

_State = models.ParticipantInfo.State
_DEFLATE = models.ClientInfo.Capability.CAP_COMPRESSION_DEFLATE_RAW
_ANNOUNCED_PROTOCOL = 2
"""The `client_protocol` that we ourselves announce."""

MAX_HEARD = 4_096
"""Identities remembered for having sent something; calls made by a server come from a new one each."""
MAX_GONE = 1_024
"""Sids remembered for having left: packets of theirs may come after the news."""


class ParticipantListener(Protocol):
    """Who must know of changes before the application's callbacks do."""

    def peer_changed(self, identity: str) -> None:
        """Announced, or ready now."""
        ...

    def peer_left(self, identity: str) -> None: ...

    def peer_restarted(self, identity: str) -> None:
        """There again under a new sid, without having left."""
        ...


class ParticipantTable:
    """The participants of one room. Fills `rpc.peer_info.PeerDirectory`."""

    def __init__(self, local: LocalParticipant, emit: Callable[..., None], listener: ParticipantListener) -> None:
        self.local = local
        self.remotes: dict[str, RemoteParticipant] = {}
        self._emit = emit
        self._listener = listener
        self._heard: dict[str, str] = {}
        """The sid by which each was heard last; empty where the packet told none."""
        self._gone: dict[str, None] = {}
        self._peers: dict[str, Peer] = {}
        """What `peer` said of each remote participant; forgotten wherever what it says may change."""

    # PeerDirectory

    def peer(self, identity: str) -> Peer:
        peer = self._peers.get(identity)
        if peer is None:
            peer = self._look_up(identity)
            if identity in self.remotes:
                self._peers[identity] = peer
        return peer

    def _look_up(self, identity: str) -> Peer:
        info = self.local._info if identity == self.local.identity else None
        if info is None and identity in self.remotes:
            info = self.remotes[identity]._info
        heard = identity in self._heard
        if info is None:
            return Peer(listed=True, ready=True, announced=False) if heard else ABSENT
        if info is self.local._info:
            return Peer(listed=True, ready=True, client_protocol=_ANNOUNCED_PROTOCOL)
        return Peer(
            listed=True,
            ready=heard or info.state == _State.ACTIVE,
            client_protocol=info.client_protocol,
            deflate=_DEFLATE in info.capabilities,
            can_publish_data=info.permission.can_publish_data if info.HasField("permission") else True,
        )

    def obstacle(self) -> str | None:
        info = self.local._info
        if not info.HasField("permission"):
            return None
        if not info.permission.can_publish_data:
            return "cannot_publish_data"
        return "hidden_caller" if info.permission.hidden else None

    # What the rest of a room asks

    @property
    def may_publish_data(self) -> bool:
        """Whether our token lets us send data."""
        info = self.local._info
        return info.permission.can_publish_data if info.HasField("permission") else True

    def abilities(self, identities: Collection[str]) -> tuple[bool, bool]:
        """Whether all of them, or without any all that are in the room, take inline streams, and deflated ones."""
        peers = [self.peer(identity) for identity in identities or self.remotes.keys() | self._heard.keys()]
        inline = all(peer.client_protocol >= PROTOCOL_INLINE_STREAMS for peer in peers)
        return inline, inline and all(peer.deflate for peer in peers)

    def participant(self, identity: str) -> Participant | None:
        """Ourselves or another one, by identity."""
        return self.local if identity and identity == self.local.identity else self.remotes.get(identity)

    def origin(self, packet: models.DataPacket) -> str:
        """The identity of who sent a packet, which an agent that speaks for another does not name."""
        named, sid = packet.participant_identity, packet.participant_sid
        if not sid or self._heard.get(named) == sid:
            return named
        known = self.remotes.get(named)
        if known is not None and known.sid == sid:
            return named
        return next((other.identity for other in self.remotes.values() if other.sid == sid), named)

    # What the server says

    def joined(self, local: models.ParticipantInfo, others: Iterable[models.ParticipantInfo]) -> None:
        """The state of the room as of now, on joining and after a full reconnect. No events for who was there first."""
        first = not self.local.sid
        self.local._info.CopyFrom(local)
        present = {info.identity: info for info in others}
        for identity in [identity for identity in self.remotes if identity not in present]:
            self._left(identity, self.remotes[identity]._info)
        self._heard = {identity: sid for identity, sid in self._heard.items() if identity in present}
        self._peers.clear()
        for info in present.values():
            if first:
                self.remotes[info.identity] = RemoteParticipant(info)
                self._peers.pop(info.identity, None)
                self._listener.peer_changed(info.identity)
            else:
                self._update_one(info)

    def moved(self, local: models.ParticipantInfo, others: Iterable[models.ParticipantInfo]) -> None:
        """We are in another room now: nobody of the old one is here."""
        for identity in list(self.remotes):
            self._left(identity, self.remotes[identity]._info)
        self._heard.clear()
        self._peers.clear()
        self._apply(self.local, local)
        for info in others:
            self._arrived(info)

    def update(self, infos: Iterable[models.ParticipantInfo]) -> None:
        """A ParticipantUpdate."""
        for info in infos:
            self._update_one(info)

    def heard(self, identity: str, sid: str = "") -> None:
        """A packet of this participant came: whatever the server has announced, it is there and ready."""
        if not identity or self._heard.get(identity) == sid or sid in self._gone:
            return
        self._heard.pop(identity, None)
        self._heard[identity] = sid
        self._peers.pop(identity, None)
        if len(self._heard) > MAX_HEARD:
            forgotten = next(iter(self._heard))
            del self._heard[forgotten]
            self._peers.pop(forgotten, None)
        self._listener.peer_changed(identity)

    def _update_one(self, info: models.ParticipantInfo) -> None:
        if info.identity == self.local.identity:
            if info.sid == self.local.sid:
                self._apply(self.local, info)
            return
        known = self.remotes.get(info.identity)
        if info.state == _State.DISCONNECTED:
            self._remember_gone(info.sid)
            if known is not None and known.sid == info.sid:
                self._left(info.identity, info)
            elif known is None and self._heard.get(info.identity) == info.sid:
                del self._heard[info.identity]  # it sent something, and left before it was announced
                self._listener.peer_left(info.identity)
            return
        if known is None:
            self._arrived(info)
        elif known.sid != info.sid:
            self._returned(known, info)
        else:
            self._apply(known, info)

    def _arrived(self, info: models.ParticipantInfo) -> None:
        participant = self.remotes[info.identity] = RemoteParticipant(info)
        self._peers.pop(info.identity, None)
        self._listener.peer_changed(info.identity)
        self._emit("participant_connected", participant)
        if info.state == _State.ACTIVE:
            self._emit("participant_active", participant)

    def _returned(self, before: RemoteParticipant, info: models.ParticipantInfo) -> None:
        """There again under a new sid, without having left: calls to it go on. The application sees one leave and
        one come, as with the official SDK."""
        self._remember_gone(before.sid)
        if self._heard.get(info.identity) != info.sid:
            self._heard.pop(info.identity, None)
        before._info.state = _State.DISCONNECTED
        del self.remotes[info.identity]
        self._peers.pop(info.identity, None)
        self._listener.peer_restarted(info.identity)
        self._emit("participant_disconnected", before)
        self._arrived(info)

    def _remember_gone(self, sid: str) -> None:
        if sid:
            self._gone[sid] = None
        if len(self._gone) > MAX_GONE:
            del self._gone[next(iter(self._gone))]

    def _left(self, identity: str, info: models.ParticipantInfo) -> None:
        participant = self.remotes.pop(identity)
        self._remember_gone(participant.sid)
        self._heard.pop(identity, None)
        self._peers.pop(identity, None)
        participant._info.CopyFrom(info)
        participant._info.state = _State.DISCONNECTED
        self._listener.peer_left(identity)
        self._emit("participant_disconnected", participant)

    def _apply(self, participant: Participant, info: models.ParticipantInfo) -> None:
        """Bring a participant up to date and tell what changed."""
        old = models.ParticipantInfo()
        old.CopyFrom(participant._info)
        if info.sid == old.sid and info.version and info.version < old.version:
            return
        participant._info.CopyFrom(info)
        self._peers.pop(info.identity, None)
        if isinstance(participant, RemoteParticipant):
            self._listener.peer_changed(info.identity)
        self._tell_changes(participant, old, info)

    def _tell_changes(self, participant: Participant, old: models.ParticipantInfo, new: models.ParticipantInfo) -> None:
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
        if new.state == _State.ACTIVE and old.state != _State.ACTIVE and isinstance(participant, RemoteParticipant):
            self._emit("participant_active", participant)
