"""A participant of the official SDK: publishes a data track, reads frames of another one and prints them as JSON.

Arguments: URL, token, and the key of an encrypted room or an empty string.
"""

from __future__ import annotations

import asyncio
import json
import sys

from livekit import rtc

FRAMES = 3


async def push(track: rtc.LocalDataTrack) -> None:
    while True:
        track.try_push(rtc.DataTrackFrame(payload=b"official" * 4_000, user_timestamp=5))
        await asyncio.sleep(0.02)


async def main(url: str, token: str, key: str) -> None:
    room = rtc.Room()
    published: asyncio.Queue[rtc.RemoteDataTrack] = asyncio.Queue()
    room.on("data_track_published", published.put_nowait)
    options = rtc.RoomOptions()
    if key:
        options.encryption = rtc.E2EEOptions(rtc.KeyProviderOptions(shared_key=key.encode()))
    await room.connect(url, token, options)
    track = await room.local_participant.publish_data_track(name="official")
    pushing = asyncio.create_task(push(track))
    remote = await published.get()
    read: list[list[object]] = []
    async for frame in remote.subscribe():
        read.append([len(frame.payload), frame.user_timestamp])
        if len(read) == FRAMES:
            break
    sys.stdout.write(json.dumps({"name": remote.info.name, "e2ee": remote.info.uses_e2ee, "read": read}) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    pushing.cancel()
    await track.unpublish()
    await room.disconnect()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
