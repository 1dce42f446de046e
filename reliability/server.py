"""The embedded server as a process: `python -m reliability.server PORT`; commands and events like a worker's."""

from __future__ import annotations

import asyncio
import json
import sys

from livekit import run
from livekit.server import DevServer
from tools.measurements import process_stats

from .worker import say


async def main() -> None:
    async with DevServer(port=int(sys.argv[1])) as server:
        say("serving", url=server.url)
        while line := await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
            say("stats", number=json.loads(line)["number"], pending=0, **process_stats())


if __name__ == "__main__":
    run(main())
