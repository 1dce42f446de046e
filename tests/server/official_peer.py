"""A participant with the official Python SDK, controlled by JSON lines on stdin; reports events on stdout.

Arguments: URL, token, and "single" or "dual" for the number of peer connections.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

rtc: Any = importlib.import_module("livekit.rtc")
"""The official SDK; type checkers of this project would see this package instead."""


def report(event: str, **details: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **details}) + "\n")
    sys.stdout.flush()


def watch(room: Any) -> None:
    def on_data(packet: Any) -> None:
        report(
            "data",
            payload=packet.data.decode(),
            topic=packet.topic,
            sender=packet.participant.identity if packet.participant else "",
            reliable=packet.kind == rtc.DataPacketKind.KIND_RELIABLE,
        )

    room.on("data_received", on_data)

    def on_joined(participant: Any) -> None:
        report("joined", identity=participant.identity)

    def on_left(participant: Any) -> None:
        report("left", identity=participant.identity)

    def on_disconnected(reason: Any) -> None:
        report("disconnected", reason=reason)

    room.on("participant_connected", on_joined)
    room.on("participant_disconnected", on_left)
    room.on("disconnected", on_disconnected)
    room.on("reconnecting", lambda: report("reconnecting"))
    room.on("reconnected", lambda: report("reconnected"))


async def echo(data: Any) -> str:
    return str(data.payload)


def who(data: Any) -> str:
    return str(data.caller_identity)


async def fail(data: Any) -> str:
    raise rtc.RpcError(1234, "as asked", data=data.payload)


async def call(room: Any, to: str, method: str, payload: str) -> None:
    try:
        value = await room.local_participant.perform_rpc(
            destination_identity=to, method=method, payload=payload, response_timeout=10
        )
        report("returned", value=value)
    except rtc.RpcError as error:
        report("failed", code=int(error.code), message=error.message, data=error.data)


async def publish(room: Any, payload: str, reliable: bool, to: list[str], topic: str) -> None:
    await room.local_participant.publish_data(payload, reliable=reliable, destination_identities=to, topic=topic)


async def rename(room: Any, name: str) -> None:
    await room.local_participant.set_name(name)
    report("renamed")


DO: dict[str, Callable[..., Awaitable[None]]] = {"call": call, "publish": publish, "rename": rename}


async def main(url: str, token: str, mode: str) -> None:
    room = rtc.Room()
    watch(room)
    try:
        await room.connect(url, token, rtc.RoomOptions(single_peer_connection=mode == "single"))
    except rtc.ConnectError as error:
        report("connect_failed", message=str(error))
        return
    for name, handler in {"echo": echo, "who": who, "fail": fail}.items():
        room.local_participant.register_rpc_method(name, handler)
    report("connected", sid=room.local_participant.sid, others=sorted(room.remote_participants))
    lines = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        request = json.loads(line)
        await DO[request.pop("do")](room, **request)
    await room.disconnect()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
