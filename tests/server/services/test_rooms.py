"""Rooms, created, listed and deleted with `livekit-api`."""

from __future__ import annotations

import asyncio

import pytest

from livekit import ConnectError, DisconnectReason
from livekit.api import LiveKitAPI
from livekit.protocol import models
from livekit.protocol import room as room_pb
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.server import limits
from livekit.server.services import RoomService
from livekit.testing import RunningServer
from tests.server.recording_link import grants, make_rooms
from tests.server.recording_link import join as join_core
from tests.support.backend import ServerError, refusal
from tests.support.rooms import Join, once

embedded_only = pytest.mark.skipif(RunningServer.from_environment() is not None, reason="other servers differ in this")

NO_ROOM = (404, "not_found", "requested room does not exist")


async def listed(lk: LiveKitAPI, *names: str) -> list[models.Room]:
    return list((await lk.room.list_rooms(room_pb.ListRoomsRequest(names=names))).rooms)


async def test_created_room_waits_for_participants(lk: LiveKitAPI, room_name: str) -> None:
    request = room_pb.CreateRoomRequest(name=room_name, metadata="m", empty_timeout=60, departure_timeout=5)
    request.max_participants = 3
    made = await lk.room.create_room(request)
    assert (made.name, made.metadata, made.empty_timeout, made.departure_timeout) == (room_name, "m", 60, 5)
    assert (made.max_participants, made.num_participants) == (3, 0)
    assert made.sid.startswith("RM_")
    assert made.creation_time == made.creation_time_ms // 1000 > 0
    found = await listed(lk, room_name, "another")
    assert [room.sid for room in found] == [made.sid]


async def test_default_timeouts(lk: LiveKitAPI, room_name: str) -> None:
    made = await lk.room.create_room(room_pb.CreateRoomRequest(name=room_name))
    assert (made.empty_timeout, made.departure_timeout, made.max_participants) == (300, 20, 0)


async def test_existing_room_is_unchanged(lk: LiveKitAPI, join: Join, room_name: str) -> None:
    made = await lk.room.create_room(room_pb.CreateRoomRequest(name=room_name, metadata="first"))
    again = await lk.room.create_room(room_pb.CreateRoomRequest(name=room_name, metadata="second", empty_timeout=1))
    assert (again.sid, again.metadata, again.empty_timeout) == (made.sid, "first", 300)
    room = await join("alice")
    assert (await room.sid, room.metadata) == (made.sid, "first")


async def test_list_filters_by_name(lk: LiveKitAPI, room_name: str) -> None:
    await asyncio.gather(
        *(lk.room.create_room(room_pb.CreateRoomRequest(name=room_name + end)) for end in ("-a", "-b", "-c"))
    )
    assert {room.name for room in await listed(lk, room_name + "-a", room_name + "-b")} == {
        room_name + "-a",
        room_name + "-b",
    }
    assert await listed(lk, "nobody made this") == []
    assert {room_name + "-a", room_name + "-c"} <= {room.name for room in await listed(lk)}


async def test_delete_room(lk: LiveKitAPI, join: Join, room_name: str) -> None:
    room = await join("alice")
    ended = once(room, "disconnected")
    await lk.room.delete_room(room_pb.DeleteRoomRequest(room=room_name))
    assert await ended == (DisconnectReason.ROOM_DELETED,)
    assert await listed(lk, room_name) == []
    with pytest.raises(ServerError) as refused:
        await lk.room.delete_room(room_pb.DeleteRoomRequest(room=room_name))
    assert refusal(refused.value) == NO_ROOM


async def test_metadata_is_announced_to_all_participants(lk: LiveKitAPI, join: Join, room_name: str) -> None:
    room = await join("alice")
    changed = once(room, "room_metadata_changed")
    request = room_pb.UpdateRoomMetadataRequest(room=room_name, metadata='{"é": 1}')
    assert (await lk.room.update_room_metadata(request)).metadata == '{"é": 1}'
    assert await changed == ("", '{"é": 1}')
    assert room.metadata == '{"é": 1}'


async def test_metadata_of_a_missing_room(lk: LiveKitAPI, room_name: str) -> None:
    with pytest.raises(ServerError) as refused:
        await lk.room.update_room_metadata(room_pb.UpdateRoomMetadataRequest(room=room_name, metadata="m"))
    assert refusal(refused.value) == NO_ROOM


async def test_full_room_rejects_joins(lk: LiveKitAPI, join: Join, room_name: str) -> None:
    await lk.room.create_room(room_pb.CreateRoomRequest(name=room_name, max_participants=1))
    await join("alice")
    with pytest.raises(ConnectError):
        await join("bob")


@pytest.mark.parametrize(("requested", "expected"), [((0, 0), (300, 20)), ((7, 3), (7, 3))])
def test_room_timeouts(requested: tuple[int, int], expected: tuple[int, int]) -> None:
    now = 0.0
    rooms = make_rooms()
    service = RoomService(rooms, lambda: now)
    administrator = grants("backend", roomCreate=True)
    request = room_pb.CreateRoomRequest(name="demo", empty_timeout=requested[0], departure_timeout=requested[1])
    empty, departure = expected
    service.create_room(administrator, request)
    rooms.tick(empty - 0.1)
    assert rooms.get("demo") is not None
    rooms.tick(empty)
    assert rooms.get("demo") is None, "closed after its empty timeout"
    service.create_room(administrator, request)
    member = join_core(rooms, "alice")
    rooms.tick(now := 1.0)
    member.room.remove(member.participant, models.DisconnectReason.CLIENT_INITIATED, now)
    rooms.tick(now + departure - 0.1)
    assert rooms.get("demo") is member.room
    rooms.tick(now + departure)
    assert rooms.get("demo") is None, "closed after its departure timeout"


async def test_room_name_too_long(lk: LiveKitAPI) -> None:
    with pytest.raises(ServerError) as refused:
        await lk.room.create_room(room_pb.CreateRoomRequest(name="x" * (limits.MAX_ROOM_NAME + 1)))
    assert refusal(refused.value) == (400, "invalid_argument", "room name length exceeds limits: max length 256")


@embedded_only
@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (room_pb.CreateRoomRequest(), (400, "invalid_argument", "no room name")),
        (
            room_pb.CreateRoomRequest(name="x", metadata="é" * (limits.MAX_METADATA // 2 + 1)),
            (400, "invalid_argument", f"metadata size exceeds limits {limits.MAX_METADATA}"),
        ),
        (
            room_pb.CreateRoomRequest(
                name="x", agents=[RoomAgentDispatch(agent_name="a", metadata="m" * (limits.MAX_METADATA + 1))]
            ),
            (400, "invalid_argument", f"metadata size exceeds limits {limits.MAX_METADATA}"),
        ),
        (
            room_pb.CreateRoomRequest(name="x", room_preset="nice"),
            (400, "invalid_argument", "unknown room configuration in create room request"),
        ),
        (
            room_pb.CreateRoomRequest(name="x", egress=room_pb.RoomEgress()),
            (501, "unimplemented", "no egress: this server records nothing"),
        ),
    ],
    ids=["no name", "metadata", "metadata of an agent", "preset", "egress"],
)
async def test_rejected_room_requests(
    lk: LiveKitAPI, request_: room_pb.CreateRoomRequest, answer: tuple[int, str, str]
) -> None:
    with pytest.raises(ServerError) as refused:
        await lk.room.create_room(request_)
    assert refusal(refused.value) == answer
    assert await listed(lk) == []


@embedded_only
async def test_room_limit(lk: LiveKitAPI, room_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_ROOMS", 1)
    await lk.room.create_room(room_pb.CreateRoomRequest(name=room_name))
    await lk.room.create_room(room_pb.CreateRoomRequest(name=room_name))
    with pytest.raises(ServerError) as refused:
        await lk.room.create_room(room_pb.CreateRoomRequest(name=room_name + "-b"))
    assert refusal(refused.value)[:2] == (429, "resource_exhausted")
