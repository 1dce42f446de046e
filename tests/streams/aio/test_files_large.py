"""A large file, with bounded memory on both sides."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from livekit.server import DevServer

SIZE = 100_000_000
"""Bytes."""
ALLOWED = 48 * 1024
"""KiB by which a process may grow during the transfer."""

PROGRAM = """
import asyncio, hashlib, json, resource, sys
from livekit import Room

def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

async def send(room, path):
    while not room.remote_participants:
        await asyncio.sleep(0.05)
    begun = memory()
    await room.local_participant.send_file(path, topic="file")
    return begun, ""

async def receive(room):
    opened = asyncio.get_running_loop().create_future()
    room.register_byte_stream_handler("file", lambda reader, sender: opened.set_result(reader))
    reader, digest = await opened, hashlib.sha256()
    begun = memory()
    async for piece in reader:
        digest.update(piece)
    return begun, digest.hexdigest()

async def main(url, token, path):
    room = Room()
    waiting = asyncio.ensure_future(receive(room)) if not path else None
    await asyncio.sleep(0)
    await room.connect(url, token)
    begun, digest = await (waiting or send(room, path))
    print(json.dumps({"grown": memory() - begun, "digest": digest}), flush=True)
    while path and room.remote_participants:
        await asyncio.sleep(0.05)
    await room.disconnect()

asyncio.run(main(*sys.argv[1:]))
"""


async def start(server: DevServer, identity: str, path: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    token = server.token(identity, room="files")
    command = (sys.executable, "-c", PROGRAM, server.url, token, path)
    return await asyncio.create_subprocess_exec(*command, stdout=pipe)


async def result(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    described: dict[str, Any] = json.loads(await asyncio.wait_for(process.stdout.readline(), 120))
    return described


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_file_of_100_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "large"
    content = random.Random(0).randbytes(SIZE)
    digest = hashlib.sha256(content).hexdigest()
    path.write_bytes(content)
    del content
    async with DevServer(port=0) as server:
        receiver, sender = await start(server, "receiver", ""), await start(server, "sender", str(path))
        sent, received = await result(sender), await result(receiver)
        for process in (sender, receiver):
            await process.communicate()
    assert received["digest"] == digest
    assert sent["grown"] < ALLOWED
    assert received["grown"] < ALLOWED
