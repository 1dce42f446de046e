"""Call the method that serve.py registers: `call.py NAME`."""

from __future__ import annotations

import asyncio
import sys

from settings import URL, token

from livekit import Room, RpcError


async def main(name: str) -> int:
    async with Room() as room:
        await room.connect(URL, token("caller"))
        try:
            # A production server may announce the greeter up to 3 s late; the call waits for it within its timeout.
            answer = await room.local_participant.perform_rpc(
                destination_identity="greeter", method="greet", payload=name, response_timeout=10.0
            )
        except RpcError as error:
            print(f"{error.code}: {error.message}", file=sys.stderr)
            return 1
        print(answer)
        return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "world")))
