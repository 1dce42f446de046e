"""A backend: asks a server as LiveKit's server SDKs do, and as they never would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar

import aiohttp
from google.protobuf.message import Message

from livekit.api.twirp_client import ServerError, TwirpClient
from livekit.protocol import room as room_pb
from livekit.testing import RunningServer

M = TypeVar("M", bound=Message)

SERVICE = "/twirp/livekit.RoomService/"
JSON = "application/json"
PROTOBUF = "application/protobuf"
NOT_READY = "data channel is not available"

__all__ = ["JSON", "PROTOBUF", "SERVICE", "Answer", "Backend", "ServerError", "refusal"]


@dataclass(frozen=True)
class Answer:
    """What came over HTTP."""

    status: int
    content_type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str, str]:
        """HTTP status, and code and text of the error."""
        return self.status, self.json["code"], self.json["msg"]


def refusal(error: ServerError) -> tuple[int, str, str]:
    """HTTP status, code and text of an error; some servers put words of their own before the text."""
    return error.status, error.code, error.message.removeprefix("twirp error unknown: ")


class Backend:
    """Makes a token with just the grants that it is told for each call."""

    def __init__(self, http: aiohttp.ClientSession, server: RunningServer) -> None:
        self._http = http
        self._server = server

    def token(self, *, room: str = "", room_join: bool | None = None, **grants: Any) -> str:
        """One that may not join, unless told."""
        return self._server.token("backend", room=room, room_join=room_join, **grants)

    async def post(
        self,
        path: str,
        body: bytes | BinaryIO = b"",
        *,
        token: str | None = None,
        content_type: str = PROTOBUF,
        verb: str = "POST",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send anything; without `token` and with an empty `content_type` these headers are left out."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if content_type:
            sent["Content-Type"] = content_type
        url = self._server.url.replace("ws", "http", 1) + path
        async with self._http.request(
            verb, url, data=body, headers=sent, skip_auto_headers=["Content-Type"]
        ) as response:
            return Answer(response.status, response.headers.get("Content-Type", ""), await response.read())

    async def call(self, method: str, request: Message, answer: type[M], token: str) -> M:
        """Call a method of RoomService through `livekit-api`. Raises its ServerError."""
        client = TwirpClient(self._http, self._server.url, "livekit", failover=False)
        return await client.request("RoomService", method, request, {"Authorization": f"Bearer {token}"}, answer)

    async def perform_rpc(self, room: str, identity: str, method: str, payload: str = "", timeout_ms: int = 0) -> str:
        """Call a method of a participant. Raises ServerError."""
        request = room_pb.PerformRpcRequest(
            room=room,
            destination_identity=identity,
            method=method,
            payload=payload,
            response_timeout_ms=timeout_ms,
        )
        token = self.token(room_admin=True, room=room)
        return (await self.call("PerformRpc", request, room_pb.PerformRpcResponse, token)).payload

    async def reach(self, room: str, identity: str, method: str) -> None:
        """Call until a participant that has just come can be reached: some servers fail such calls at once."""
        while True:
            try:
                await self.perform_rpc(room, identity, method)
            except ServerError as error:
                if not error.message.endswith(NOT_READY):
                    raise
                await asyncio.sleep(0.05)
            else:
                return

    async def move(self, room: str, identity: str, destination: str) -> None:
        """Bring a participant into another room. Raises ServerError."""
        request = room_pb.MoveParticipantRequest(room=room, identity=identity, destination_room=destination)
        token = self.token(room_admin=True, room=room, destination_room=destination)
        await self.call("MoveParticipant", request, room_pb.MoveParticipantResponse, token)
