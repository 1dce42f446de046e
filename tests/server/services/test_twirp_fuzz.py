"""Random bodies over HTTP: each is answered as Twirp does, and never by an internal error."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Mapping
from typing import cast

import aiohttp
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from fuzz.mutate import mutate
from livekit import Room
from livekit.protocol import agent_dispatch, models
from livekit.protocol import room as room_pb
from livekit.server import DevServer
from livekit.server.services.twirp import STATUSES
from tests.support.backend import JSON, PROTOBUF, SERVICE

ROOM = "demo"
DISPATCH = "/twirp/livekit.AgentDispatchService/"
SEEDS: Mapping[str, Message] = {
    SERVICE + "CreateRoom": room_pb.CreateRoomRequest(name=ROOM, metadata="m", max_participants=3),
    SERVICE + "ListRooms": room_pb.ListRoomsRequest(names=[ROOM, "other"]),
    SERVICE + "DeleteRoom": room_pb.DeleteRoomRequest(room="absent"),
    SERVICE + "UpdateRoomMetadata": room_pb.UpdateRoomMetadataRequest(room=ROOM, metadata="m"),
    SERVICE + "ListParticipants": room_pb.ListParticipantsRequest(room=ROOM),
    SERVICE + "GetParticipant": room_pb.RoomParticipantIdentity(room=ROOM, identity="alice"),
    SERVICE + "RemoveParticipant": room_pb.RoomParticipantIdentity(room=ROOM, identity="nobody"),
    SERVICE + "UpdateParticipant": room_pb.UpdateParticipantRequest(
        room=ROOM,
        identity="alice",
        name="n",
        permission=models.ParticipantPermission(can_publish_data=True, can_publish_sources=[models.CAMERA]),
        attributes={"k": "v"},
    ),
    SERVICE + "MoveParticipant": room_pb.MoveParticipantRequest(room=ROOM, identity="nobody", destination_room="other"),
    SERVICE + "ForwardParticipant": room_pb.ForwardParticipantRequest(room=ROOM, identity="alice"),
    SERVICE + "MutePublishedTrack": room_pb.MuteRoomTrackRequest(room=ROOM, identity="alice", muted=True),
    SERVICE + "UpdateSubscriptions": room_pb.UpdateSubscriptionsRequest(room=ROOM, identity="alice", track_sids=["T"]),
    SERVICE + "SendData": room_pb.SendDataRequest(room=ROOM, data=b"d", kind=models.DataPacket.LOSSY, topic="t"),
    SERVICE + "PerformRpc": room_pb.PerformRpcRequest(
        room=ROOM, destination_identity="alice", method="echo", payload="p"
    ),
    DISPATCH + "CreateDispatch": agent_dispatch.CreateAgentDispatchRequest(room=ROOM, agent_name="a"),
    DISPATCH + "ListDispatch": agent_dispatch.ListAgentDispatchRequest(room=ROOM),
    DISPATCH + "DeleteDispatch": agent_dispatch.DeleteAgentDispatchRequest(room=ROOM, dispatch_id="D"),
}
ODD_VALUES = (
    *("null", "true", "0", "-1", "1.5", "1e999", "99999999999999999999", "NaN", "[]", "{}", "[null]", '""', '"1"'),
    *('"NaN"', '"\\ud800"', '"LOSSY"', '"aGk"', '"-_"', f'"{ROOM}"', '"alice"', '{"a":"b"}', '[[["x"]]]', "05"),
    *("[" * 2000 + "]" * 2000, '{"":' * 300 + "1" + "}" * 300, '{"a":1,"a":2}', "\ufeff1", '"\x00"', "'x'"),
)


def odd_json(descriptor: Descriptor, randomness: random.Random, depth: int = 0) -> str:
    """Return an object with some fields of the message, in one of their names, and odd values."""
    members: list[str] = []
    fields: list[FieldDescriptor] = list(descriptor.fields)
    for field in randomness.sample(fields, randomness.randint(0, len(fields))):
        name = randomness.choice([field.name, field.json_name, field.name.upper()])
        value = randomness.choice(ODD_VALUES)
        if field.message_type is not None and depth < 3 and randomness.random() < 0.7:
            value = odd_json(field.message_type, randomness, depth + 1)
            value = f"[{value}]" if randomness.random() < 0.5 else value
        members += [f"{json.dumps(name)}:{value}"] * randomness.choice([1, 1, 1, 2])
    return "{" + ",".join(members) + "}"


def body(seed: Message, content_type: str, randomness: random.Random) -> bytes:
    """Return a valid body of the method, changed at random."""
    if content_type == JSON and randomness.random() < 0.6:
        return odd_json(cast("Descriptor", seed.DESCRIPTOR), randomness).encode("utf-8", "surrogatepass")
    valid = MessageToJson(seed, indent=None).encode() if content_type == JSON else seed.SerializeToString()
    return mutate(valid, [valid], randomness)


async def check(http: aiohttp.ClientSession, base: str, token: str, randomness: random.Random) -> str:
    """Send one random request; return the Twirp code of its answer."""
    path, seed = randomness.choice(list(SEEDS.items()))
    content_type = randomness.choice([JSON, PROTOBUF])
    data = body(seed, content_type, randomness)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": content_type, "X-Twirp-Timeout-Ms": "500"}
    async with http.post(base + path, data=data, headers=headers) as response:
        answer = await response.read()
        if response.status == 200:
            assert response.content_type == content_type, data
            return "ok"
        error: dict[str, str] = json.loads(answer)
        code = error["code"]
        assert (response.status, response.content_type) == (STATUSES[code], JSON), data
        assert code != "internal" or error["msg"].startswith("RpcError "), (path, content_type, data)
        return code


@pytest.mark.parametrize(
    "seconds", [3, pytest.param(600, marks=[pytest.mark.slow, pytest.mark.timeout(700)])], ids=["short", "long"]
)
async def test_random_bodies_never_fail_the_server(seconds: int, caplog: pytest.LogCaptureFixture) -> None:
    seed = time.time_ns()
    until = time.monotonic() + seconds
    codes: set[str] = set()
    async with DevServer(port=0) as server, aiohttp.ClientSession() as http, Room() as alice:
        alice.register_rpc_method("echo", lambda invocation: invocation.payload)
        await alice.connect(server.url, server.token("alice", room=ROOM))
        base = server.url.replace("ws", "http", 1)
        video = {"roomCreate": True, "roomList": True, "roomAdmin": True, "room": ROOM, "destinationRoom": "other"}
        token = server._authority.mint({"video": video}, api_key=server.api_key, lifetime=3600)

        async def send(number: int) -> None:
            randomness = random.Random(seed + number)
            while time.monotonic() < until:
                codes.add(await check(http, base, token, randomness))

        await asyncio.gather(*(send(number) for number in range(4)))
    assert {"ok", "malformed"} <= codes, f"seed {seed}"
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
