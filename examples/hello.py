"""One participant registers a method and another calls it, with a server in the same process."""

from __future__ import annotations

import asyncio

from livekit import Room, RpcError, RpcInvocationData
from livekit.server import DevServer


async def main() -> None:
    async with DevServer(port=0) as server, Room() as alice, Room() as bob:
        await alice.connect(server.url, server.token("alice", room="demo"))
        await bob.connect(server.url, server.token("bob", room="demo"))

        @alice.local_participant.register_rpc_method("greet")
        async def greet(data: RpcInvocationData) -> str:
            if not data.payload:
                raise RpcError(RpcError.ErrorCode.APPLICATION_ERROR, "whom?")
            return f"Hello {data.payload}, called by {data.caller_identity}!"

        for name in ("world", ""):
            try:
                answer = await bob.local_participant.perform_rpc(
                    destination_identity="alice", method="greet", payload=name, response_timeout=5.0
                )
                print(answer)
            except RpcError as error:
                print(f"{error.code}: {error.message}")


if __name__ == "__main__":
    asyncio.run(main())
