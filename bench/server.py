"""The embedded server as a process; prints its URL, and its CPU time and memory for each line of input."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import livekit
from livekit.server import DevServer
from tools.measurements import rss_kib


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
