"""A participant of the official SDK that prints data tracks as they are published and unpublished, as JSON.

Arguments: URL, token.
"""

from __future__ import annotations

import asyncio
import json
import sys

from livekit import rtc


def report(event: str, track: str) -> None:
    sys.stdout.write(json.dumps([event, track]) + "\n")
    sys.stdout.flush()


async def main(url: str, token: str) -> None:
    room = rtc.Room()
    names: dict[str, str] = {}

    def published(track: rtc.RemoteDataTrack) -> None:
        names[track.info.sid] = track.info.name
        report("published", track.info.name)

    def unpublished(sid: str) -> None:
        report("unpublished", names[sid])

    room.on("data_track_published", published)
    room.on("data_track_unpublished", unpublished)
    await room.connect(url, token)
    report("connected", "")
    await asyncio.to_thread(sys.stdin.readline)
    await room.disconnect()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
