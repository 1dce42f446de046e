"""Request bodies of the RoomService: the result is a TwirpError or a response that can be serialised.

An input is a byte for the method, one for the format, and the body.
Run as `python -m fuzz.fuzz_twirp [COUNT] [SEED]`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator, Iterator
from dataclasses import replace

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from fuzz.mutate import Fuzzer, Target
from fuzz.server_rooms import ROOM, join_all
from livekit.protocol import models
from livekit.protocol import room as room_pb
from livekit.server.permissions import Grants
from livekit.server.services.room_service import RoomService
from livekit.server.services.twirp import TwirpError, fill_json, fill_protobuf

ALLOWED = (TwirpError,)
RENEW_INTERVAL = 200
"""Inputs after which the rooms are renewed."""
GRANTS = Grants(api_key="key", has_video=True, room=ROOM, room_admin=True, room_create=True, room_list=True)
_FILLERS = (fill_protobuf, fill_json)
_SEEDS: dict[str, Message] = {
    "CreateRoom": room_pb.CreateRoomRequest(name="new", empty_timeout=1, max_participants=2, metadata="m"),
    "ListRooms": room_pb.ListRoomsRequest(names=[ROOM]),
    "DeleteRoom": room_pb.DeleteRoomRequest(room=ROOM),
    "UpdateRoomMetadata": room_pb.UpdateRoomMetadataRequest(room=ROOM, metadata="m"),
    "ListParticipants": room_pb.ListParticipantsRequest(room=ROOM),
    "GetParticipant": room_pb.RoomParticipantIdentity(room=ROOM, identity="alice"),
    "RemoveParticipant": room_pb.RoomParticipantIdentity(room=ROOM, identity="bob"),
    "UpdateParticipant": room_pb.UpdateParticipantRequest(
        room=ROOM,
        identity="alice",
        name="n",
        permission=models.ParticipantPermission(hidden=True),
        attributes={"k": "v"},
    ),
    "MoveParticipant": room_pb.MoveParticipantRequest(room=ROOM, identity="bob", destination_room="other"),
    "ForwardParticipant": room_pb.ForwardParticipantRequest(room=ROOM, identity="bob", destination_room="other"),
    "MutePublishedTrack": room_pb.MuteRoomTrackRequest(room=ROOM, identity="bob", track_sid="TR_1", muted=True),
    "UpdateSubscriptions": room_pb.UpdateSubscriptionsRequest(room=ROOM, identity="bob", track_sids=["TR_1"]),
    "SendData": room_pb.SendDataRequest(room=ROOM, data=b"d", destination_identities=["bob"], nonce=bytes(16)),
    "PerformRpc": room_pb.PerformRpcRequest(
        room=ROOM, destination_identity="bob", method="m", payload="p", response_timeout_ms=5000
    ),
}
METHODS = tuple(_SEEDS)


class Service:
    """The RoomService, on an event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._inputs = 0
        self._renew()

    def _renew(self) -> None:
        rooms, _, _ = join_all()
        self._methods = RoomService(rooms, lambda: 0.0).methods

    def target(self, data: bytes) -> None:
        if len(data) < 2:
            return
        self._inputs += 1
        if self._inputs % RENEW_INTERVAL == 0:
            self._renew()
        self._loop.run_until_complete(self._call(METHODS[data[0] % len(METHODS)], data[1] % 2, data[2:]))

    async def _call(self, name: str, form: int, body: bytes) -> None:
        room = replace(GRANTS, destination_room="other")
        call = asyncio.ensure_future(self._methods[name](room, lambda message: _FILLERS[form](message, body)))
        await asyncio.wait({call}, timeout=0)
        if call.done():
            answer = call.result()
            MessageToJson(answer)
            answer.SerializeToString()
        else:  # a call to a participant, which does not respond
            call.cancel()
            await asyncio.wait({call})

    def close(self) -> None:
        self._loop.close()


@contextlib.contextmanager
def open_target() -> Generator[Target]:
    service = Service()
    try:
        yield service.target
    finally:
        service.close()


def _seeds() -> Iterator[bytes]:
    for number, message in enumerate(_SEEDS.values()):
        yield bytes((number, 0)) + message.SerializeToString()
        yield bytes((number, 1)) + MessageToJson(message, indent=None).encode()


SEEDS = list(_seeds())
FUZZER = Fuzzer("twirp", SEEDS, ALLOWED, open_target)

if __name__ == "__main__":
    FUZZER.main()
