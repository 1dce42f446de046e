"""A participant with the official Python SDK, driven by lines of JSON on stdin; tells what happens on stdout.

Arguments: URL, token, and "single" or "dual" for the number of peer connections.
"""

from __future__ import annotations

import asyncio
import json
import sys

from livekit import rtc


def tell(event: str, **details: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **details}) + "\n")
    sys.stdout.flush()


def watch(room: rtc.Room) -> None:
    def on_data(packet: rtc.DataPacket) -> None:
        tell(
            "data",
            payload=packet.data.decode(),
            topic=packet.topic,
            sender=packet.participant.identity if packet.participant else "",
            reliable=packet.kind == rtc.DataPacketKind.KIND_RELIABLE,
        )

    room.on("data_received", on_data)
    room.on("participant_connected", lambda participant: tell("came", identity=participant.identity))
    room.on("participant_disconnected", lambda participant: tell("went", identity=participant.identity))
    room.on("disconnected", lambda reason: tell("disconnected", reason=reason))
    room.on("reconnecting", lambda: tell("reconnecting"))
    room.on("reconnected", lambda: tell("reconnected"))


def register(local: rtc.LocalParticipant) -> None:
    @local.register_rpc_method("echo")
    async def echo(data: rtc.RpcInvocationData) -> str:
        return data.payload

    @local.register_rpc_method("who")
    def who(data: rtc.RpcInvocationData) -> str:
        return data.caller_identity

    @local.register_rpc_method("fail")
    async def fail(data: rtc.RpcInvocationData) -> str:
        raise rtc.RpcError(1234, "as asked", data=data.payload)


async def call(room: rtc.Room, to: str, method: str, payload: str) -> None:
    try:
        value = await room.local_participant.perform_rpc(
            destination_identity=to, method=method, payload=payload, response_timeout=10
        )
        tell("returned", value=value)
    except rtc.RpcError as error:
        tell("failed", code=int(error.code), message=error.message, data=error.data)


async def publish(room: rtc.Room, payload: str, reliable: bool, to: list[str], topic: str) -> None:
    await room.local_participant.publish_data(payload, reliable=reliable, destination_identities=to, topic=topic)


async def rename(room: rtc.Room, name: str) -> None:
    await room.local_participant.set_name(name)
    tell("renamed")


DO = {"call": call, "publish": publish, "rename": rename}


async def main(url: str, token: str, mode: str) -> None:
    room = rtc.Room()
    watch(room)
    try:
        await room.connect(url, token, rtc.RoomOptions(single_peer_connection=mode == "single"))
    except rtc.ConnectError as error:
        tell("connect_failed", message=str(error))
        return
    register(room.local_participant)
    tell("connected", sid=room.local_participant.sid, others=sorted(room.remote_participants))
    lines = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        request = json.loads(line)
        await DO[request.pop("do")](room, **request)
    await room.disconnect()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
