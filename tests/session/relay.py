"""A TCP relay in front of a server, to cut, stall or refuse its signal connections."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType

from typing_extensions import Self
from yarl import URL


class TcpRelay:
    """Relays to the server of `url`; `self.url` is the relay's. Requests that start with `missing` get a 404."""

    def __init__(self, url: str, *, missing: bytes | None = None) -> None:
        self._missing = missing
        self._target = URL(url)
        self._server: asyncio.Server | None = None
        self._pairs: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._port = 0
        self.connections = 0
        """How many were made."""
        self.requests: list[bytes] = []
        """The first bytes of each."""

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.refuse()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def open(self) -> None:
        """Take connections (again, at the same port)."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Cut what is connected and take no more."""
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()
            self._server = None

    def cut(self) -> None:
        """Cut what is connected now."""
        for writer in self._pairs:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        upstream_reader, upstream_writer = await asyncio.open_connection(self._target.host, self._target.port)
        self._pairs |= {writer, upstream_writer}
        try:
            await asyncio.gather(
                self._pipe(reader, upstream_writer, first=True), self._pipe(upstream_reader, writer, first=False)
            )
        finally:
            self._pairs -= {writer, upstream_writer}
            for end in (writer, upstream_writer):
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, first: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if first:
                    self.requests.append(data)
                    first = False
                    if self._missing is not None and data.startswith(self._missing):
                        data = data.replace(self._missing, b"GET /missing", 1)
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
