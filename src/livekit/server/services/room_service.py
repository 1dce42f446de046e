"""`livekit.RoomService`: management of rooms and participants, data and RPC calls from backends."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

from livekit.protocol import models, rtc
from livekit.protocol import room as room_pb
from livekit.server import limits
from livekit.server.forwarding import send
from livekit.server.participant import State
from livekit.server.permissions import Grants
from livekit.server.responses import DisconnectReason
from livekit.server.room_manager import RoomFullError, RoomManager

from . import access
from .backend_calls import BackendCalls
from .twirp import Method, TwirpError, method

NONCE_LENGTH = 16

_TRACK_SOURCES = frozenset(models.TrackSource.values())


class RoomService:
    """Implements the service for the rooms of a server."""

    def __init__(self, rooms: RoomManager, clock: Callable[[], float]) -> None:
        """Serve `rooms`; `clock` is theirs."""
        self._rooms: Final = rooms
        self._clock: Final = clock
        self._calls: Final = BackendCalls(rooms)
        self._nonces: OrderedDict[tuple[str, bytes], None] = OrderedDict()
        """Packets of `SendData` for deduplication: room SID and nonce, oldest first."""

    @property
    def methods(self) -> Mapping[str, Method]:
        """Twirp methods, by name."""
        return {
            "CreateRoom": method(room_pb.CreateRoomRequest, self.create_room),
            "ListRooms": method(room_pb.ListRoomsRequest, self.list_rooms),
            "DeleteRoom": method(room_pb.DeleteRoomRequest, self.delete_room),
            "UpdateRoomMetadata": method(room_pb.UpdateRoomMetadataRequest, self.update_room_metadata),
            "ListParticipants": method(room_pb.ListParticipantsRequest, self.list_participants),
            "GetParticipant": method(room_pb.RoomParticipantIdentity, self.get_participant),
            "RemoveParticipant": method(room_pb.RoomParticipantIdentity, self.remove_participant),
            "UpdateParticipant": method(room_pb.UpdateParticipantRequest, self.update_participant),
            "MoveParticipant": method(room_pb.MoveParticipantRequest, self.move_participant),
            "ForwardParticipant": method(room_pb.ForwardParticipantRequest, self.forward_participant),
            "MutePublishedTrack": method(room_pb.MuteRoomTrackRequest, self.mute_published_track),
            "UpdateSubscriptions": method(room_pb.UpdateSubscriptionsRequest, self.update_subscriptions),
            "SendData": method(room_pb.SendDataRequest, self.send_data),
            "PerformRpc": method(room_pb.PerformRpcRequest, self.perform_rpc),
        }

    def create_room(self, grants: Grants, request: room_pb.CreateRoomRequest) -> models.Room:
        """Create a room, with the server's settings where the request sets none; an existing one is left unchanged."""
        access.require(grants.room_create)
        access.check_room_name(request.name)
        access.check_metadata(request.metadata)
        for dispatch in request.agents:
            access.check_metadata(dispatch.metadata)
            access.check_attributes(dispatch.attributes)
        if request.room_preset:
            raise TwirpError("invalid_argument", "unknown room configuration in create room request")
        if request.HasField("egress"):
            raise TwirpError("unimplemented", "no egress: this server records nothing")
        settings = self._rooms.settings.overridden_by(request)
        try:
            return self._rooms.create(request.name, self._clock(), settings).info()
        except RoomFullError as error:
            raise TwirpError("resource_exhausted", str(error)) from error

    def list_rooms(self, grants: Grants, request: room_pb.ListRoomsRequest) -> room_pb.ListRoomsResponse:
        access.require(grants.room_list)
        wanted = set(request.names)
        rooms = [room.info() for room in self._rooms.rooms if not wanted or room.name in wanted]
        return room_pb.ListRoomsResponse(rooms=rooms)

    def delete_room(self, grants: Grants, request: room_pb.DeleteRoomRequest) -> room_pb.DeleteRoomResponse:
        access.require(grants.room_create)
        room = access.existing_room(self._rooms, request.room)
        self._rooms.close_room(room, DisconnectReason.ROOM_DELETED, self._clock())
        return room_pb.DeleteRoomResponse()

    def update_room_metadata(self, grants: Grants, request: room_pb.UpdateRoomMetadataRequest) -> models.Room:
        access.require_admin(grants, request.room)
        access.check_metadata(request.metadata)
        room = access.existing_room(self._rooms, request.room)
        room.update_metadata(request.metadata)
        return room.info()

    def list_participants(
        self, grants: Grants, request: room_pb.ListParticipantsRequest
    ) -> room_pb.ListParticipantsResponse:
        """Return all participants, including hidden ones; none if the room does not exist, as LiveKit server does."""
        access.require_admin(grants, request.room)
        room = self._rooms.get(request.room)
        found = room.participants.values() if room else ()
        return room_pb.ListParticipantsResponse(participants=[participant.info() for participant in found])

    def get_participant(self, grants: Grants, request: room_pb.RoomParticipantIdentity) -> models.ParticipantInfo:
        access.require_admin(grants, request.room)
        _, participant = access.existing_participant(self._rooms, request.room, request.identity)
        return participant.info()

    def remove_participant(
        self, grants: Grants, request: room_pb.RoomParticipantIdentity
    ) -> room_pb.RemoveParticipantResponse:
        access.require_admin(grants, request.room)
        room, participant = access.existing_participant(self._rooms, request.room, request.identity)
        room.remove(participant, DisconnectReason.PARTICIPANT_REMOVED, self._clock())
        return room_pb.RemoveParticipantResponse()

    def update_participant(self, grants: Grants, request: room_pb.UpdateParticipantRequest) -> models.ParticipantInfo:
        access.require_admin(grants, request.room)
        access.check_name(request.name)
        access.check_metadata(request.metadata)
        access.check_attributes(request.attributes)
        room, participant = access.existing_participant(self._rooms, request.room, request.identity)
        access.check_all_attributes(participant.merged_attributes(request.attributes))
        now = self._clock()
        if request.name or request.metadata or request.attributes:
            room.update_participant(
                participant, now, name=request.name, metadata=request.metadata, attributes=request.attributes
            )
        if request.HasField("permission"):
            room.set_permission(participant, _known_sources(request.permission), now)
        return participant.info()

    def move_participant(
        self, grants: Grants, request: room_pb.MoveParticipantRequest
    ) -> room_pb.MoveParticipantResponse:
        """Move a participant to another room, created if it does not exist, without reconnecting."""
        access.require_transfer(grants, request.room, request.destination_room)
        access.check_room_name(request.destination_room)
        room, participant = access.existing_participant(self._rooms, request.room, request.identity)
        if participant.state != State.ACTIVE:
            raise TwirpError("failed_precondition", "participant is not connected yet")
        try:
            self._rooms.move(room, participant, request.destination_room, self._clock())
        except RoomFullError as error:
            raise TwirpError("resource_exhausted", str(error)) from error
        return room_pb.MoveParticipantResponse()

    def forward_participant(
        self, grants: Grants, request: room_pb.ForwardParticipantRequest
    ) -> room_pb.ForwardParticipantResponse:
        access.require_transfer(grants, request.room, request.destination_room)
        raise TwirpError("unimplemented", "a participant cannot be in two rooms on this server")

    def mute_published_track(
        self, grants: Grants, request: room_pb.MuteRoomTrackRequest
    ) -> room_pb.MuteRoomTrackResponse:
        """Mute a track; refuse to unmute, as LiveKit server does by default. An unknown track does nothing."""
        access.require_admin(grants, request.room)
        room, participant = access.existing_participant(self._rooms, request.room, request.identity)
        if not request.muted:
            raise TwirpError("failed_precondition", "remote unmute not enabled")
        mute = rtc.MuteTrackRequest(sid=request.track_sid, muted=True)
        participant.link.send_signal(rtc.SignalResponse(mute=mute))
        return room_pb.MuteRoomTrackResponse(track=room.media.mute(participant, mute))

    def update_subscriptions(
        self, grants: Grants, request: room_pb.UpdateSubscriptionsRequest
    ) -> room_pb.UpdateSubscriptionsResponse:
        """Subscribe a participant to tracks, or unsubscribe it; unknown tracks may be published later."""
        access.require_admin(grants, request.room)
        room, participant = access.existing_participant(self._rooms, request.room, request.identity)
        update = rtc.UpdateSubscription(
            track_sids=request.track_sids, participant_tracks=request.participant_tracks, subscribe=request.subscribe
        )
        room.media.update_subscriptions(participant, update, self._clock())
        return room_pb.UpdateSubscriptionsResponse()

    def send_data(self, grants: Grants, request: room_pb.SendDataRequest) -> room_pb.SendDataResponse:
        """Send a packet to all participants, or to those with the given identities or SIDs; deduplicated by nonce."""
        access.require_admin(grants, request.room)
        if len(request.nonce) not in (0, NONCE_LENGTH):
            raise TwirpError(
                "invalid_argument", f"nonce should be 16-bytes or not present, got: {len(request.nonce)} bytes"
            )
        room = access.existing_room(self._rooms, request.room)
        user = models.UserPacket(
            payload=request.data,
            destination_sids=request.destination_sids,
            destination_identities=request.destination_identities,
            nonce=request.nonce,
        )
        if request.HasField("topic"):
            user.topic = request.topic
        packet = models.DataPacket(user=user, destination_identities=request.destination_identities)
        size = packet.ByteSize()
        if size > limits.MAX_SENT_DATA:
            raise TwirpError("invalid_argument", f"a packet of {size} bytes, {limits.MAX_SENT_DATA} allowed")
        if self._is_new(room.sid, request.nonce):
            reliable = request.kind != models.DataPacket.LOSSY
            send(room, packet, reliable=reliable, now=self._clock())
        return room_pb.SendDataResponse()

    async def perform_rpc(self, grants: Grants, request: room_pb.PerformRpcRequest) -> room_pb.PerformRpcResponse:
        access.require_admin(grants, request.room)
        return await self._calls.perform(request)

    def _is_new(self, room_sid: str, nonce: bytes) -> bool:
        """Return False if a packet with this nonce was sent to the room recently."""
        if not nonce:
            return True
        if (room_sid, nonce) in self._nonces:
            return False
        self._nonces[room_sid, nonce] = None
        if len(self._nonces) > limits.MAX_NONCES:
            self._nonces.popitem(last=False)
        return True


def _known_sources(permission: models.ParticipantPermission) -> models.ParticipantPermission:
    """Replace unknown track sources by UNKNOWN, as in tokens, which list sources by name."""
    known = models.ParticipantPermission()
    known.CopyFrom(permission)
    sources = (s if s in _TRACK_SOURCES else models.TrackSource.UNKNOWN for s in permission.can_publish_sources)
    known.can_publish_sources[:] = list(dict.fromkeys(sources))
    return known
