"""Programs without media load none of it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio, sys
from livekit import Room
from livekit.server import DevServer

async def main():
    async with DevServer(port=0) as server, Room() as alice, Room() as bob:
        bob.register_rpc_method("greet", lambda data: "hello")
        for room, name in ((alice, "alice"), (bob, "bob")):
            await room.connect(server.url, server.token(name, room="r"))
        call = alice.local_participant.perform_rpc(destination_identity="bob", method="greet", payload="")
        assert await call == "hello"

asyncio.run(main())
print(*sorted(sys.modules))
"""


def test_calls_load_no_media_modules() -> None:
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=False, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    modules = result.stdout.split()
    media = ("livekit.media.audio", "livekit.media.codecs", "livekit.webrtc.srtp", "livekit.webrtc.rtp")
    single = {"livekit.engine.media", "livekit.webrtc.peer_media", "livekit.media.rtcp_scheduler"}
    assert [name for name in modules if name.startswith(media) or name in single] == []
