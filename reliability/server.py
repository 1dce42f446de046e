"""The embedded server in a process of its own: `python -m reliability.server PORT`; told and telling as workers are."""

from __future__ import annotations

import asyncio
import json
import sys

from livekit import run
from livekit.server import DevServer

from .process_stats import census
from .worker import say


async def main() -> None:
    async with DevServer(port=int(sys.argv[1])) as server:
        say("serving", url=server.url)
        while line := await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
            say("census", number=json.loads(line)["number"], pending=0, **census())


if __name__ == "__main__":
    run(main())
