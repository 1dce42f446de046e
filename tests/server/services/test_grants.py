"""Grants that each method requires."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message

from livekit.protocol import room as room_pb
from tests.support.backend import SERVICE, Backend

ROOM = "granted"
PERSON = room_pb.RoomParticipantIdentity(room=ROOM, identity="nobody")
CREATE = {"CreateRoom": room_pb.CreateRoomRequest(name=ROOM), "DeleteRoom": room_pb.DeleteRoomRequest(room=ROOM)}
LIST = {"ListRooms": room_pb.ListRoomsRequest()}
ADMIN: dict[str, Message] = {
    "GetParticipant": PERSON,
    "ListParticipants": room_pb.ListParticipantsRequest(room=ROOM),
    "MutePublishedTrack": room_pb.MuteRoomTrackRequest(room=ROOM, identity="nobody", track_sid="TR_x", muted=True),
    "PerformRpc": room_pb.PerformRpcRequest(room=ROOM, destination_identity="nobody", method="m"),
    "RemoveParticipant": PERSON,
    "SendData": room_pb.SendDataRequest(room=ROOM, data=b"x"),
    "UpdateParticipant": room_pb.UpdateParticipantRequest(room=ROOM, identity="nobody", metadata="x"),
    "UpdateRoomMetadata": room_pb.UpdateRoomMetadataRequest(room=ROOM, metadata="x"),
    "UpdateSubscriptions": room_pb.UpdateSubscriptionsRequest(room=ROOM, identity="nobody"),
}
TRANSFER = {
    "ForwardParticipant": room_pb.ForwardParticipantRequest(room=ROOM, identity="nobody", destination_room="other"),
    "MoveParticipant": room_pb.MoveParticipantRequest(room=ROOM, identity="nobody", destination_room="other"),
}
METHODS: dict[str, Message] = {**CREATE, **LIST, **ADMIN, **TRANSFER}

NOT_ADMIN: list[dict[str, Any]] = [
    {},
    {"room_create": True, "room_list": True, "room": ROOM, "room_join": True},
    {"room_admin": True, "room": "other"},
    {"room_admin": True},
]
TOO_LITTLE: dict[str, list[dict[str, Any]]] = {
    **{method: [{}, {"room_list": True}, {"room_admin": True, "room": ROOM}] for method in CREATE},
    **{method: [{}, {"room_create": True}, {"room_admin": True, "room": ROOM}] for method in LIST},
    **dict.fromkeys(ADMIN, NOT_ADMIN),
    **{method: [*NOT_ADMIN, {"room_admin": True, "room": ROOM, "destination_room": "third"}] for method in TRANSFER},
}


def test_all_methods_are_covered() -> None:
    service = room_pb.DESCRIPTOR.services_by_name["RoomService"]
    assert {method.name for method in service.methods} == set(METHODS)


@pytest.mark.parametrize("method", METHODS)
async def test_missing_grants(backend: Backend, method: str) -> None:
    body = METHODS[method].SerializeToString()
    for grants in TOO_LITTLE[method]:
        answer = await backend.post(SERVICE + method, body, token=backend.token(**grants))
        assert answer.error == (401, "unauthenticated", "permissions denied"), grants


@pytest.mark.parametrize("method", TRANSFER)
async def test_transfer_to_the_same_room(backend: Backend, method: str) -> None:
    request = room_pb.MoveParticipantRequest(room=ROOM, identity="nobody", destination_room=ROOM)
    token = backend.token(room_admin=True, room=ROOM, destination_room=ROOM)
    answer = await backend.post(SERVICE + method, request.SerializeToString(), token=token)
    assert answer.error[:2] == (400, "invalid_argument")
    assert answer.json["msg"].strip() == "destination room cannot be the same as source room"
