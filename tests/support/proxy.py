"""An HTTP proxy for tests."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.support.streams import forward


@dataclass
class TestProxy:
    """Forwards tunnels (CONNECT) and requests in absolute form, or refuses them."""

    __test__ = False

    user: str = ""
    """USER:PASSWORD that it requires."""
    answer: bytes | None = None
    """Sent instead of forwarding, before the connection is closed."""
    target: tuple[str, int] | None = None
    """Connected to instead of the requested host, for names that do not resolve."""
    requests: list[str] = field(default_factory=list[str])
    """The first lines of the requests."""
    port: int = 0
    _pumps: set[asyncio.Task[None]] = field(default_factory=set["asyncio.Task[None]"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[TestProxy]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for pump in self._pumps:
                pump.cancel()
            await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._handle(reader, writer)
        finally:
            self._pumps.discard(task)
            writer.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, rest = head.split("\r\n", 1)
        self.requests.append(first)
        expected = base64.b64encode(self.user.encode()).decode()
        answer = self.answer
        if self.user and f"Proxy-Authorization: Basic {expected}\r\n" not in rest:
            answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
        if answer is not None:
            writer.write(answer)
            await writer.drain()
            return
        method, target, version = first.split(" ")
        parts = urlsplit(target if "://" in target else f"//{target}")
        host, port = self.target or (parts.hostname or "", parts.port or 80)
        far = await asyncio.open_connection(host, port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            far[1].write(f"{method} {path} {version}\r\n{rest}".encode())
        await forward((reader, writer), far)

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward a connection to `target`, without a request."""
        assert self.target is not None
        await forward((reader, writer), await asyncio.open_connection(*self.target))
