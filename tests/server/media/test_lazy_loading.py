"""Rooms that carry data only do not load what forwards media."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio, sys
from livekit import rtc
from livekit.server import DevServer

async def main():
    async with DevServer(port=0) as server:
        rooms = [rtc.Room(), rtc.Room()]
        for number, room in enumerate(rooms):
            await room.connect(server.url, server.token(f"p{number}", room="data"))
        rooms[1].local_participant.register_rpc_method("echo", lambda data: data.payload)
        await rooms[0].local_participant.perform_rpc(destination_identity="p1", method="echo", payload="x")
        for room in rooms:
            await room.disconnect()
    heavy = ("livekit.server.media.sections", "livekit.server.media.forwarder", "livekit.webrtc.peer_media")
    print(sorted(set(heavy) & set(sys.modules)))

asyncio.run(main())
"""


def test_data_only_rooms_load_no_forwarding() -> None:
    found = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert found.stdout.strip() == "[]", found.stdout + found.stderr
