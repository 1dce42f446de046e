"""A TCP balancer in front of servers: each connection goes to the first server that accepts it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from types import TracebackType

from typing_extensions import Self

from tests.support.streams import forward


class Balancer:
    """Forwards connections to 127.0.0.1 and one of `ports`, in order of preference."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.port = 0
        self.delay = 0.0
        """Seconds before a new connection is forwarded."""
        self._ports = ports
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.closing(writer):
            await asyncio.sleep(self.delay)
            for port in self._ports:
                with contextlib.suppress(OSError):
                    server = await asyncio.open_connection("127.0.0.1", port)
                    with contextlib.closing(server[1]):
                        await forward((reader, writer), server)
                    return
