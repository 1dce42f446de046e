"""A participant that answers calls to the method `greet` until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import sys

from settings import ROOM, URL, token

from livekit import DisconnectReason, Room, RpcInvocationData


def greet(data: RpcInvocationData) -> str:
    print(f"{data.caller_identity} calls greet({data.payload!r})", flush=True)
    return f"Hello {data.payload}!"


async def main() -> None:
    async with Room() as room:
        # Registered before connecting, so that the first call is not missed.
        room.register_rpc_method("greet", greet)
        disconnected = asyncio.Event()
        room.on("disconnected", disconnected.set)
        await room.connect(URL, token("greeter"))
        print(f"Serving in room {ROOM!r} on {URL}. Press Ctrl-C to stop.", flush=True)
        await disconnected.wait()
        reason = room.local_participant.disconnect_reason or DisconnectReason.UNKNOWN_REASON
        sys.exit(f"Disconnected: {DisconnectReason.Name(reason)}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
