"""Calls between the network namespaces of test_path_mtu: `python -m tests.reconnect.mtu_peer ROLE URL TOKEN`.

The callee returns what it receives. The caller makes a short and a long call every 0.2 s, and prints the outcomes of
each pair as a line of "ok" and "failed"; the payloads are random, so that compression does not shorten them.
"""

from __future__ import annotations

import asyncio
import secrets
import sys

from livekit import Room, RpcError, RpcInvocationData

SIZES = (100, 14_000)


async def echo(data: RpcInvocationData) -> str:
    return data.payload


async def call(room: Room, size: int) -> str:
    payload = secrets.token_hex(size // 2)
    try:
        answer = await room.local_participant.perform_rpc(
            destination_identity="callee", method="echo", payload=payload, response_timeout=2.0
        )
    except RpcError:
        return "failed"
    return "ok" if answer == payload else "failed"


async def main(role: str, url: str, token: str) -> None:
    room = Room()
    room.register_rpc_method("echo", echo)
    await room.connect(url, token)
    sys.stdout.write("joined\n")
    while role == "caller":
        outcomes = await asyncio.gather(*(call(room, size) for size in SIZES))
        sys.stdout.write(" ".join(outcomes) + "\n")
        await asyncio.sleep(0.2)
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
