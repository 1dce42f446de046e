"""A relay of TCP connections over impaired links."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from types import TracebackType

from typing_extensions import Self

from livekit._util.aio import start_task
from livekit.testing.netem import Link

from .datagram_link import Deliver

__all__ = ["TcpRelay"]

SEGMENT = 1400
"""Bytes of a segment, the unit of loss and delay."""
HANDSHAKE = 60
"""Bytes of a SYN."""
MIN_RTO = 0.2
"""Minimum retransmission timeout in seconds; doubled with each retransmission (RFC 6298)."""
MAX_IN_FLIGHT = 256
"""Maximum number of segments in flight, like a TCP window."""

Address = tuple[str, int]


class TcpRelay:
    """Accepts connections on a port of 127.0.0.1 and relays them to `target`.

    Segments use the same links as datagrams. As with TCP, a lost segment delays itself and all that follow
    (head-of-line blocking); duplication and reordering show only as delay.
    """

    def __init__(self, target: Address, up: Link[Deliver], down: Link[Deliver]) -> None:
        """Create a relay; `up` is the link to `target`, `down` the link back."""
        self.connections = 0
        """Number of connections accepted."""
        self.port = 0
        """The listening port, once opened."""
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
        """Accept connections; after `refuse`, again on the same port."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Reset all connections and refuse new ones."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            self.reset()
            await server.wait_closed()

    def reset(self) -> None:
        """Reset all current connections."""
        for writer in self._writers:
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Start a task of its own: asyncio logs the cancellation of those it starts itself (Python 3.11, 3.12)."""
        if self._server is None:
            writer.transport.abort()
            return
        self.connections += 1
        self._writers.add(writer)
        task = start_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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
        """Delay the connection by SYN and SYN ACK.

        Returns the data that the client sent meanwhile; None if it closed, in which case the target sees no connection.
        """
        passing = start_task(self._pass_handshake())
        early = b""
        try:
            while not passing.done():
                reading = start_task(reader.read(SEGMENT))
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
    """Return the arrival time of a segment, after the retransmissions that losses require."""
    loop = asyncio.get_running_loop()
    rto = max(MIN_RTO, 2 * (there.options.delay + back.options.delay))
    while not (arrivals := there.arrivals(size, loop.time())):
        await asyncio.sleep(rto)
        rto *= 2
    return min(arrivals)


class _Pipe:
    """One direction of a relayed connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there: Link[Deliver],
        back: Link[Deliver],
        early: bytes = b"",
    ) -> None:
        """Create a pipe; `early` is data already read."""
        self._early = early
        self._reader = reader
        self._writer = writer
        self._there = there
        self._back = back
        self._loop = asyncio.get_running_loop()
        self._in_flight: deque[tuple[float, bytes]] = deque()
        self._changed = asyncio.Event()
        self._ended = False

    async def run(self) -> None:
        """Relay until this direction ends, and end the other side in the same manner: by EOF or by a reset."""
        delivering = start_task(self._deliver())
        try:
            with contextlib.suppress(OSError):
                while data := await self._read():
                    arrival = await _pass(len(data), self._there, self._back)
                    while len(self._in_flight) >= MAX_IN_FLIGHT:
                        self._changed.clear()
                        await self._changed.wait()
                    self._in_flight.append((arrival, data))
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
        """Return the next segment; empty at EOF."""
        size = min(SEGMENT, self._there.options.mtu or SEGMENT)
        if not self._early:
            return await self._reader.read(size)
        data, self._early = self._early[:size], self._early[size:]
        return data

    async def _deliver(self) -> None:
        with contextlib.suppress(OSError):
            while self._in_flight or not self._ended:
                if not self._in_flight:
                    self._changed.clear()
                    await self._changed.wait()
                    continue
                arrival, data = self._in_flight[0]
                await asyncio.sleep(max(0.0, arrival - self._loop.time()))
                self._in_flight.popleft()
                self._changed.set()
                self._writer.write(data)
                await self._writer.drain()
