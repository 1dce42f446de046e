"""A server API client that can also send requests that LiveKit's server SDKs never send."""

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
    """An HTTP response."""

    status: int
    content_type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str, str]:
        """HTTP status, Twirp code and message."""
        return self.status, self.json["code"], self.json["msg"]


def refusal(error: ServerError) -> tuple[int, str, str]:
    """Return an error's HTTP status, code and message, without the prefix that some servers add to messages."""
    return error.status, error.code, error.message.removeprefix("twirp error unknown: ")


class Backend:
    """Calls the server API with a token that has only the grants of the call."""

    def __init__(self, http: aiohttp.ClientSession, server: RunningServer) -> None:
        self._http = http
        self._server = server

    def token(self, *, room: str = "", room_join: bool | None = None, **grants: Any) -> str:
        """Return a token. It has no join grant unless `room_join` is set."""
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
        """Send an arbitrary request. Without `token`, or with an empty `content_type`, it lacks that header."""
        all_headers = dict(headers or {})
        if token is not None:
            all_headers["Authorization"] = f"Bearer {token}"
        if content_type:
            all_headers["Content-Type"] = content_type
        url = self._server.url.replace("ws", "http", 1) + path
        async with self._http.request(
            verb, url, data=body, headers=all_headers, skip_auto_headers=["Content-Type"]
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
        """Call until a participant that has just joined is reachable: some servers fail such calls at once."""
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
        """Move a participant to another room. Raises ServerError."""
        request = room_pb.MoveParticipantRequest(room=room, identity=identity, destination_room=destination)
        token = self.token(room_admin=True, room=room, destination_room=destination)
        await self.call("MoveParticipant", request, room_pb.MoveParticipantResponse, token)
