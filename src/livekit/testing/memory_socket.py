"""A WebSocket in memory: what the client's and the server's ends need of `aiohttp`, over two pipes."""

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
    """One end. Messages are bytes."""

    def __init__(self, link: MemoryLink) -> None:
        self.close_code: int | None = None
        self.filter: Callable[[bytes], bytes | None] = _as_it_is
        """What is done with each message before it is sent; None drops it."""
        self._link = link
        self._lane: MemoryPipe[bytes | None] | None = None
        self._received: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._far_closed = False

    @property
    def closed(self) -> bool:
        return self.close_code is not None

    def exception(self) -> BaseException | None:
        return None

    def get_extra_info(self, name: str) -> None:
        """There is no socket below."""

    def send_now(self, data: bytes) -> None:
        """Send a message past the filter."""
        if self._lane is not None and not self.closed:
            self._lane.put(data)

    async def send_bytes(self, data: bytes) -> None:
        if self.closed:
            raise ConnectionResetError("the connection in memory is closed")
        kept = self.filter(data)
        if kept is not None:
            self.send_now(kept)

    async def receive(self) -> WSMessage:
        """The next message; one of type CLOSED at the end."""
        while not self._received:
            if self.closed or self._far_closed:
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

    async def close(self) -> bool:
        """Say goodbye; what was sent before still arrives."""
        if self.closed:
            return False
        if self._lane is not None:
            self._lane.put(None)
        self._finish(_NORMAL_CLOSURE)
        return True

    def reset(self) -> None:
        """The connection is lost, and what was on its way."""
        if self._lane is not None:
            self._lane.close()
        self._finish(_ABNORMAL_CLOSURE)

    def connect(self, far: MemorySocket) -> None:
        self._lane = self._link.pipe(far.take)

    def take(self, data: bytes | None) -> None:
        """What the other end sent; None for its goodbye."""
        if data is None:
            self._far_closed = True
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
    """A WebSocket's two ends."""
    near, far = MemorySocket(link), MemorySocket(link)
    near.connect(far)
    far.connect(near)
    return near, far


def _as_it_is(data: bytes) -> bytes:
    return data
