"""The embedded server in a process of its own; prints its URL, and at the end what it took."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from figures import rss_kib

import livekit
from livekit.server import DevServer


async def main() -> None:
    async with DevServer(port=0) as server:
        print(json.dumps({"url": server.url}), flush=True)
        while True:
            line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
            if not line:
                return
            print(json.dumps({"cpu": time.process_time(), "rss_kib": rss_kib()}), flush=True)


if __name__ == "__main__":
    livekit.run(main())
