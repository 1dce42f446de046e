"""A dev server in its own process, which can be frozen and killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from types import TracebackType

from typing_extensions import Self

from livekit.server import DEV_KEYS
from livekit.testing import RunningServer
from tests.support.processes import clean_environment

START_TIMEOUT = 20.0


class ServerProcess:
    """`livekit dev` on a fixed port."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: Process | None = None
        key, secret = next(iter(DEV_KEYS.items()))
        self._minter = RunningServer(self.url, key, secret)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def token(self, identity: str) -> str:
        return self._minter.token(identity, room="processes")

    async def start(self) -> None:
        """Start it, or start it again without its rooms."""
        command = (sys.executable, "-m", "livekit", "dev", "--port", str(self.port))
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, env=clean_environment()
        )
        await asyncio.wait_for(self._listening(), START_TIMEOUT)

    def freeze(self) -> None:
        """Stop the process (SIGSTOP): its sockets stay open but nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    async def kill(self) -> None:
        """Kill the process (SIGKILL)."""
        assert self._process is not None
        self._signal(signal.SIGKILL)
        await self._process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.returncode is None:
            await self.kill()

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    async def _listening(self) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                return
