"""Data tracks between the official SDK and this one, in both directions, plain and encrypted."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from livekit import DataTrackFrame, E2EEOptions, KeyProviderOptions, LocalDataTrack, RemoteDataTrack, Room, RoomOptions
from livekit.server import DevServer
from livekit.server.responses import DisconnectReason

pytestmark = pytest.mark.peers

SCRIPT = Path(__file__).with_name("official_peer.py")
WAIT = 20.0


async def push(track: LocalDataTrack) -> None:
    while True:
        track.try_push(DataTrackFrame(b"ours" * 10_000, 9))
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("key", ["", "secret"])
async def test_frames_pass_in_both_directions(official_python: str, key: str, single: bool) -> None:
    options = RoomOptions(single_peer_connection=single)
    if key:
        options.encryption = E2EEOptions(KeyProviderOptions(shared_key=key.encode()))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    async with DevServer(port=0) as server, Room() as room:
        published: asyncio.Queue[RemoteDataTrack] = asyncio.Queue()
        unpublished: asyncio.Queue[str] = asyncio.Queue()
        room.on("data_track_published", published.put_nowait)
        room.on("data_track_unpublished", unpublished.put_nowait)
        await room.connect(server.url, server.token(identity="ours", room="x"), options)
        pushing = asyncio.create_task(push(await room.local_participant.publish_data_track(name="ours")))
        peer = await asyncio.create_subprocess_exec(
            official_python, SCRIPT, server.url, server.token(identity="official", room="x"), key,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment,
        )  # fmt: skip
        assert peer.stdin is not None
        assert peer.stdout is not None
        try:
            track = await asyncio.wait_for(published.get(), WAIT)
            assert (track.info.name, track.publisher_identity, track.info.uses_e2ee) == (
                "official",
                "official",
                bool(key),
            )
            frame = await asyncio.wait_for(track.subscribe().read(), WAIT)
            assert frame == DataTrackFrame(b"official" * 4_000, 5)
            report = json.loads(await asyncio.wait_for(peer.stdout.readline(), WAIT))
            assert report == {"name": "ours", "e2ee": bool(key), "read": [[40_000, 9]] * 3}
            peer.stdin.write(b"\n")
            assert await asyncio.wait_for(unpublished.get(), WAIT) == track.info.sid
            assert await asyncio.wait_for(peer.wait(), WAIT) == 0
        finally:
            pushing.cancel()
            if peer.returncode is None:
                peer.kill()
                await peer.wait()


@pytest.mark.parametrize("removed", [False, True])
async def test_the_official_sdk_sees_the_tracks_of_a_leaver_end(official_python: str, removed: bool) -> None:
    async with DevServer(port=0) as server, Room() as room:
        peer = await asyncio.create_subprocess_exec(
            *(official_python, "-I", SCRIPT.with_name("official_watcher.py"), server.url),
            server.token(identity="watcher", room="x"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        stdout = peer.stdout
        assert stdout is not None

        async def report() -> object:
            return json.loads(await asyncio.wait_for(stdout.readline(), WAIT))

        try:
            assert await report() == ["connected", ""]
            await room.connect(server.url, server.token(identity="ours", room="x"))
            track = await room.local_participant.publish_data_track(name="position")
            assert await report() == ["published", "position"]
            if removed:
                found = server.rooms.get("x")
                assert found is not None
                now = asyncio.get_running_loop().time()
                found.remove(found.participants["ours"], DisconnectReason.PARTICIPANT_REMOVED, now)
            else:
                await room.disconnect()
            assert await report() == ["unpublished", "position"]
            assert not track.is_published()
        finally:
            peer.kill()
            await peer.wait()
