"""Relaying TCP connections over impaired links."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from types import TracebackType

from typing_extensions import Self

from livekit.testing.netem import Link

from .datagram_link import Deliver

__all__ = ["TcpRelay"]

SEGMENT = 1400
"""Bytes that are lost or delayed as one."""
HANDSHAKE = 60
"""Bytes of a SYN."""
MIN_RTO = 0.2
"""Seconds after which a lost segment is sent again, at least; doubled each time, as TCP does."""
MAX_UNDER_WAY = 256
"""Segments, as in a window of TCP."""

Address = tuple[str, int]


class TcpRelay:
    """Takes connections at a port of 127.0.0.1 and relays them to `target`.

    Segments travel over the same links as datagrams. As TCP makes good for it, what is lost comes later, with all that
    follows; what is doubled or out of order shows as delay only.
    """

    def __init__(self, target: Address, up: Link[Deliver], down: Link[Deliver]) -> None:
        """`up` is the way to `target`, `down` the way back."""
        self.connections = 0
        """How many were made."""
        self.port = 0
        """Where it listens, once opened."""
        self._target = target
        self._up = up
        self._down = down
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.refuse()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def open(self) -> None:
        """Take connections (again, at the same port)."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Reset what is connected and take no more."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            self.reset()
            await server.wait_closed()

    def reset(self) -> None:
        """Reset the connections of now."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        ends = [writer]
        try:
            early = await self._handshake(reader)
            if early is None:
                return
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            ends.append(far_writer)
            self._writers.add(far_writer)
            await asyncio.gather(
                _Pipe(reader, far_writer, self._up, self._down, early).run(),
                _Pipe(far_reader, writer, self._down, self._up).run(),
            )
        except OSError:
            writer.transport.abort()
        finally:
            self._writers.difference_update(ends)
            for end in ends:
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def _handshake(self, reader: asyncio.StreamReader) -> bytes | None:
        """Let SYN and SYN ACK pass. What the client sends meanwhile; None if it closes: the target hears nothing."""
        passing = asyncio.ensure_future(self._pass_handshake())
        early = b""
        try:
            while not passing.done():
                reading = asyncio.ensure_future(reader.read(SEGMENT))
                await asyncio.wait({passing, reading}, return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    reading.cancel()
                    await asyncio.wait({reading})
                elif data := reading.result():
                    early += data
                else:
                    return None
            return early
        finally:
            passing.cancel()
            await asyncio.wait({passing})

    async def _pass_handshake(self) -> None:
        loop = asyncio.get_running_loop()
        for there, back in ((self._up, self._down), (self._down, self._up)):
            arrival = await _pass(HANDSHAKE, there, back)
            await asyncio.sleep(arrival - loop.time())


async def _pass(size: int, there: Link[Deliver], back: Link[Deliver]) -> float:
    """When a segment arrives; not before it is on its way for good, however often it is lost."""
    loop = asyncio.get_running_loop()
    rto = max(MIN_RTO, 2 * (there.options.delay + back.options.delay))
    while not (arrivals := there.arrivals(size, loop.time())):
        await asyncio.sleep(rto)
        rto *= 2
    return min(arrivals)


class _Pipe:
    """One direction of a connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there: Link[Deliver],
        back: Link[Deliver],
        early: bytes = b"",
    ) -> None:
        """`early`: what was read already."""
        self._early = early
        self._reader = reader
        self._writer = writer
        self._there = there
        self._back = back
        self._loop = asyncio.get_running_loop()
        self._under_way: deque[tuple[float, bytes]] = deque()
        self._changed = asyncio.Event()
        self._ended = False

    async def run(self) -> None:
        """Relay until this direction ends, and pass on how: in order, or by a reset."""
        delivering = asyncio.ensure_future(self._deliver())
        try:
            with contextlib.suppress(OSError):
                while data := await self._read():
                    arrival = await _pass(len(data), self._there, self._back)
                    while len(self._under_way) >= MAX_UNDER_WAY:
                        self._changed.clear()
                        await self._changed.wait()
                    self._under_way.append((arrival, data))
                    self._changed.set()
                self._ended = True
                self._changed.set()
                await delivering
                self._writer.write_eof()
                return
            self._writer.transport.abort()
        finally:
            delivering.cancel()
            await asyncio.wait({delivering})

    async def _read(self) -> bytes:
        """The next segment; empty at the end."""
        size = min(SEGMENT, self._there.options.mtu or SEGMENT)
        if not self._early:
            return await self._reader.read(size)
        data, self._early = self._early[:size], self._early[size:]
        return data

    async def _deliver(self) -> None:
        with contextlib.suppress(OSError):
            while self._under_way or not self._ended:
                if not self._under_way:
                    self._changed.clear()
                    await self._changed.wait()
                    continue
                arrival, data = self._under_way[0]
                await asyncio.sleep(max(0.0, arrival - self._loop.time()))
                self._under_way.popleft()
                self._changed.set()
                self._writer.write(data)
                await self._writer.drain()
