"""Messages to participants, and changes of participants, with the rules of LiveKit's RoomService."""

from __future__ import annotations

from collections.abc import Callable

from livekit.protocol import models
from livekit.protocol import room as room_pb
from livekit.server.forwarding import send
from livekit.server.permissions import Grants
from livekit.server.room import Room
from livekit.server.room_manager import RoomManager
from livekit.server.services import access
from livekit.server.services.room_service import RoomService
from livekit.streams.framing import HeaderTooLargeError, text_stream
from livekit.streams.topics import CHAT_TOPIC

from .request_parsing import InputError, MessageInput, UpdateInput


class ParticipantActions:
    """Acts on the participants of a server. All methods raise TwirpError if the room or participant does not exist."""

    def __init__(self, rooms: RoomManager, clock: Callable[[], float]) -> None:
        self._rooms = rooms
        self._clock = clock
        self._service = RoomService(rooms, clock)

    def send(self, message: MessageInput) -> int:
        """Send a message; return the number of its receivers. Raises InputError."""
        room = access.existing_room(self._rooms, message.room)
        if message.to:
            _ = access.existing_participant(self._rooms, message.room, message.to)
        destinations = [message.to] if message.to else []
        if message.kind == "data":
            self._send_data(message, destinations)
        else:
            self._send_text(room, message, destinations)
        return 1 if message.to else len(room.participants)

    def describe(self, room: str, identity: str) -> dict[str, object]:
        """Return what `update` can change, untruncated."""
        info = self._service.get_participant(
            _admin(room), room_pb.RoomParticipantIdentity(room=room, identity=identity)
        )
        return {
            "name": info.name,
            "metadata": info.metadata,
            "attributes": dict(info.attributes),
            "own": info.permission.can_update_metadata,
        }

    def update(self, changes: UpdateInput) -> None:
        """Change name, metadata and attributes of a participant."""
        request = room_pb.UpdateParticipantRequest(
            room=changes.room,
            identity=changes.to,
            name=changes.name,
            metadata=changes.metadata,
            attributes=changes.attributes,
        )
        _ = self._service.update_participant(_admin(changes.room), request)

    def remove(self, room: str, identity: str) -> None:
        """Remove a participant from its room; it may join again."""
        request = room_pb.RoomParticipantIdentity(room=room, identity=identity)
        _ = self._service.remove_participant(_admin(room), request)

    def _send_data(self, message: MessageInput, destinations: list[str]) -> None:
        request = room_pb.SendDataRequest(
            room=message.room,
            data=message.text.encode(),
            kind=models.DataPacket.RELIABLE if message.reliable else models.DataPacket.LOSSY,
            destination_identities=destinations,
        )
        if message.topic:
            request.topic = message.topic
        _ = self._service.send_data(_admin(message.room), request)

    def _send_text(self, room: Room, message: MessageInput, destinations: list[str]) -> None:
        now = self._clock()
        try:
            packets = text_stream(
                message.text,
                topic=CHAT_TOPIC if message.kind == "chat" else message.topic,
                destinations=destinations,
                attributes={},
                timestamp_ms=room.wall_time_ms(now),
            )
            for packet in [packets] if isinstance(packets, models.DataPacket) else packets:
                send(room, packet, reliable=True, now=now)
        except HeaderTooLargeError as error:
            raise InputError("the topic is too long") from error


def _admin(room: str) -> Grants:
    return Grants(api_key="", room=room, room_admin=True)
