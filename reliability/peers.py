"""Worker and server processes: started, commanded, observed and killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = {
    "ours": sys.executable,
    "official": os.environ.get("OFFICIAL_PYTHON") or str(ROOT / ".venvs/official/bin/python"),
}
PATIENCE = 120.0
"""Default timeout in seconds."""
END_GRACE = 15.0
"""Seconds until a process must have exited after its stdin is closed."""

Event = dict[str, Any]


class PeerEndedError(Exception):
    """The process exited while an event was awaited."""


class Peer:
    """A process. Its events are passed to `on_event` and to futures that wait for them."""

    def __init__(self, process: asyncio.subprocess.Process, on_event: Callable[[Event], None]) -> None:
        self.process = process
        self._on_event = on_event
        self._waiting: list[tuple[Event, asyncio.Future[Event]]] = []
        self._stats_requests = 0
        self._reader = asyncio.create_task(self._read())

    def tell(self, **command: object) -> None:
        """Send a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")

    def expect(self, **wanted: object) -> asyncio.Future[Event]:
        """Return a future for the next event with these fields."""
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, future))
        return future

    async def join(self, who: str, url: str, token: str, **options: object) -> Event:
        joined = self.expect(event="joined", who=who)
        self.tell(do="join", who=who, url=url, token=token, **options)
        return await asyncio.wait_for(joined, PATIENCE)

    async def stats(self) -> dict[str, int]:
        """Return the process's memory, tasks, descriptors and pending calls."""
        self._stats_requests += 1
        answer = self.expect(event="stats", number=self._stats_requests)
        self.tell(do="stats", number=self._stats_requests)
        return {name: value for name, value in (await asyncio.wait_for(answer, PATIENCE)).items() if name != "event"}

    async def kill(self) -> None:
        """Kill the process with SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        await self.process.wait()
        await self._reader

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            with contextlib.suppress(ValueError):  # a line truncated by a kill
                self._take(json.loads(line))
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(PeerEndedError("the process exited"))
                future.exception()

    def _take(self, event: Event) -> None:
        self._on_event(event)
        matching = [entry for entry in self._waiting if entry[0].items() <= event.items()]
        for entry in matching:
            self._waiting.remove(entry)
            if not entry[1].done():
                entry[1].set_result(event)

    async def end(self) -> None:
        """Close the process's stdin; kill it if it does not exit."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.process.wait(), END_GRACE)
        await self.kill()


@contextlib.asynccontextmanager
async def peer(sdk: str, *, on_event: Callable[[Event], None] = lambda event: None) -> AsyncGenerator[Peer]:
    """A process that can hold participants, of the SDK "ours" or "official"."""
    running = await _start(PYTHONS[sdk], "reliability.worker", on_event=on_event)
    try:
        yield running
    finally:
        await running.end()


class Server:
    """The embedded server in a process, which can be killed and started again at the same port."""

    def __init__(self) -> None:
        self.port = 0
        self.url = ""
        self._peer: Peer | None = None

    @property
    def peer(self) -> Peer:
        assert self._peer is not None
        return self._peer

    async def start(self) -> None:
        self._peer = await _start(sys.executable, "reliability.server", str(self.port))
        self.url = (await asyncio.wait_for(self._peer.expect(event="serving"), PATIENCE))["url"]
        self.port = int(self.url.rpartition(":")[2])

    async def kill(self) -> None:
        await self.peer.kill()

    async def __aenter__(self) -> Server:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.peer.end()


async def _start(python: str, module: str, *arguments: str, on_event: Callable[[Event], None] | None = None) -> Peer:
    process = await asyncio.create_subprocess_exec(
        python,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(python),
        cwd=ROOT,
        limit=1 << 24,
    )
    return Peer(process, on_event or (lambda event: None))


def _environment(python: str) -> dict[str, str]:
    """Without LiveKit's settings; ours is the SDK beside this folder, of which the official one must know nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHONPATH", "LIVEKIT_"))}
    return {**kept, "PYTHONPATH": str(ROOT / "src")} if python == sys.executable else kept
