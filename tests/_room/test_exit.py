"""Programs that end without disconnecting print nothing, or one ResourceWarning per resource where these are shown."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, sys
from livekit import Room
from livekit.server import DevServer

async def main():
    server = DevServer(port=0)
    await server.start()
    room = Room()
    await room.connect(server.url, server.token("alice", room="lobby"))
    room.on("disconnected", lambda: asyncio.ensure_future(asyncio.sleep(10)))
    async def wait(invocation):
        await asyncio.sleep(100)
    room.register_rpc_method("wait", wait)
    call = asyncio.ensure_future(
        room.local_participant.perform_rpc(destination_identity="alice", method="wait", payload="")
    )
    await asyncio.sleep(0.1)
    if sys.argv[2] == "exit":
        sys.exit(3)
    if sys.argv[2] == "delete":
        del room

if sys.argv[1] == "run":
    asyncio.run(main())
else:
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(main())
    finally:
        if sys.argv[1] == "close":
            loop.close()
"""


@pytest.mark.parametrize("loop", ["run", "close", "leave open"])
@pytest.mark.parametrize("end", ["return", "exit", "delete"])
def test_a_program_that_does_not_disconnect_prints_nothing(loop: str, end: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, loop, end], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3 if end == "exit" else 0, "")
    assert [line for line in done.stderr.splitlines() if "HMAC" not in line and "_jws" not in line] == []


def test_what_was_left_open_is_named_where_warnings_are_shown() -> None:
    command = [sys.executable, "-W", "default::ResourceWarning", "-c", PROGRAM, "run", "return"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    warned = [line for line in done.stderr.splitlines() if "ResourceWarning: " in line]
    assert len(warned) == 2
    assert sum("room 'lobby' was not disconnected" in line for line in warned) == 1
    assert sum("the server at ws://127.0.0.1:" in line for line in warned) == 1
