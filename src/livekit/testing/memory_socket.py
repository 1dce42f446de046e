"""In-memory WebSockets with the part of aiohttp's API that the client and the server use."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from aiohttp import WSMessage, WSMsgType

from .memory_link import MemoryLink, MemoryPipe

__all__ = ["MemorySocket", "socket_pair"]

_NORMAL_CLOSURE = 1000
_ABNORMAL_CLOSURE = 1006


class MemorySocket:
    """One end of an in-memory WebSocket; messages are bytes."""

    def __init__(self, link: MemoryLink) -> None:
        self.close_code: int | None = None
        self.filter: Callable[[bytes], bytes | None] = _unchanged
        """Transforms each message before it is sent; returning None drops it."""
        self._link = link
        self._pipe: MemoryPipe[bytes | None] | None = None
        self._received: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._remote_closed = False

    @property
    def closed(self) -> bool:
        return self.close_code is not None

    def exception(self) -> BaseException | None:
        return None

    def get_extra_info(self, name: str) -> None:
        """Return None: there is no underlying socket."""

    def send_now(self, data: bytes) -> None:
        """Send a message, bypassing the filter."""
        if self._pipe is not None and not self.closed:
            self._pipe.put(data)

    async def send_bytes(self, data: bytes) -> None:
        if self.closed:
            raise ConnectionResetError("the in-memory WebSocket is closed")
        filtered = self.filter(data)
        if filtered is not None:
            self.send_now(filtered)

    async def receive(self) -> WSMessage:
        """Return the next message; one of type CLOSED at the end."""
        while not self._received:
            if self.closed or self._remote_closed:
                self._finish(_NORMAL_CLOSURE)
                return WSMessage(WSMsgType.CLOSED, None, None)
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return WSMessage(WSMsgType.BINARY, self._received.popleft(), None)

    def __aiter__(self) -> MemorySocket:
        return self

    async def __anext__(self) -> WSMessage:
        message = await self.receive()
        if message.type is WSMsgType.CLOSED:
            raise StopAsyncIteration
        return message

    async def close(self, *, code: int = _NORMAL_CLOSURE, message: bytes = b"") -> bool:
        """Close after delivering the messages already sent; `code` is the local close code, `message` is ignored."""
        if self.closed:
            return False
        if self._pipe is not None:
            self._pipe.put(None)
        self._finish(code)
        return True

    def reset(self) -> None:
        """Lose the connection and everything in flight."""
        if self._pipe is not None:
            self._pipe.close()
        self._finish(_ABNORMAL_CLOSURE)

    def connect(self, remote: MemorySocket) -> None:
        self._pipe = self._link.pipe(remote.take)

    def take(self, data: bytes | None) -> None:
        """Receive a message; None is the remote end's close."""
        if data is None:
            self._remote_closed = True
        elif not self.closed:
            self._received.append(data)
        self._wake()

    def _finish(self, code: int) -> None:
        if self.close_code is None:
            self.close_code = code
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def socket_pair(link: MemoryLink) -> tuple[MemorySocket, MemorySocket]:
    """Return the two ends of a WebSocket."""
    near, remote = MemorySocket(link), MemorySocket(link)
    near.connect(remote)
    remote.connect(near)
    return near, remote


def _unchanged(data: bytes) -> bytes:
    return data
