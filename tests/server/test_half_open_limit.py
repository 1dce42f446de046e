"""Slowloris: incomplete, slow, numerous and large requests do not block the server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Sequence

import aiohttp
import pytest
from aiohttp import web

from livekit.server import DevServer, limits
from livekit.server.half_open_limit import HalfOpenLimit
from livekit.server.listener import Listener
from tests.server.client import PATIENCE, http_url, open_client

HEAD = b"POST /twirp/livekit.RoomService/ListRooms HTTP/1.1\r\nHost: localhost\r\n"
HALVES = {
    "nothing": b"",
    "half a request line": HEAD[:20],
    "an endless request line": b"GET /rtc?access_token=" + b"a" * 1_000_000,
    "half a header": HEAD + b"Authorization: Bea",
    "endless headers": HEAD,
    "a missing body": HEAD + b"Content-Length: 5\r\n\r\n",
    "half a body": HEAD + b"Content-Length: 5\r\n\r\n{",
    "half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{",
}
SHORT = 0.2
"""The timeout in tests, in seconds."""


class Wire:
    """A raw TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self) -> bytes:
        """Return everything that is received until the server closes the connection."""
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self._reader.read(), PATIENCE)
        return b""

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


@contextlib.asynccontextmanager
async def wires(port: int, count: int) -> AsyncGenerator[Sequence[Wire]]:
    connecting = (asyncio.open_connection("127.0.0.1", port) for _ in range(count))
    opened = [Wire(*streams) for streams in await asyncio.gather(*connecting)]
    try:
        yield opened
    finally:
        for wire in opened:
            await wire.close()


async def dribble(wire: Wire) -> None:
    for byte in HEAD * 100:
        await wire.send(bytes([byte]))
        await asyncio.sleep(SHORT / 10)


@pytest.fixture
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HALF_OPEN_TIMEOUT", SHORT)


def test_timeout_is_below_ten_seconds() -> None:
    assert limits.HALF_OPEN_TIMEOUT <= 10


@pytest.mark.usefixtures("short_timeout")
class TestHalfOpen:
    @pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
    async def test_incomplete_request_is_dropped(self, half: bytes) -> None:
        async with DevServer(port=0) as server, wires(server.port, 1) as (wire,):
            started = time.monotonic()
            await wire.send(half)
            assert await wire.answer() == b""
            assert time.monotonic() - started >= SHORT / 2

    async def test_slow_bytes_do_not_extend_the_timeout(self) -> None:
        async with DevServer(port=0) as server, wires(server.port, 1) as (wire,):
            with pytest.raises(ConnectionError):
                await dribble(wire)

    @pytest.mark.parametrize("rest", [b"", HEAD[:9]], ids=["idle", "half of the next"])
    async def test_timeout_applies_after_a_complete_request(self, rest: bytes) -> None:
        async with DevServer(port=0) as server, wires(server.port, 1) as (wire,):
            await wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + rest)
            assert (await wire.answer()).startswith(b"HTTP/1.1 200")

    async def test_slow_handler_is_not_half_open(self) -> None:
        async def wait(request: web.Request) -> web.Response:
            await asyncio.sleep(3 * SHORT)
            return web.Response(text=f"{gate.half_open_count}")

        gate = HalfOpenLimit()
        app = web.Application(middlewares=[gate.middleware])
        app.router.add_get("/", wait)
        listener = Listener(app, gate)
        try:
            await listener.start("127.0.0.1", 0)
            async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{listener.port}/") as response:
                assert await response.text() == "0"
        finally:
            await listener.aclose()

    async def test_websocket_is_not_half_open(self) -> None:
        async with DevServer(port=0) as server, open_client(server, "alice", connect=False) as alice:
            await alice.open_socket()
            await asyncio.sleep(3 * SHORT)
            assert (await alice.next_signal("join")).join.participant.identity == "alice"
            assert alice.socket is not None
            assert not alice.socket.closed


async def test_hundreds_of_slow_sockets_do_not_block_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HALF_OPEN_TIMEOUT", 2.0)
    halves = [half for half in HALVES.values() if len(half) < 1000]
    async with DevServer(port=0) as server, open_client(server, "bob"), wires(server.port, 300) as slow:
        for number, wire in enumerate(slow):
            with contextlib.suppress(ConnectionError):  # the oldest are dropped beyond the limit
                await wire.send(halves[number % len(halves)])
        async with open_client(server, "alice") as alice:
            assert [other.identity for other in alice.join.other_participants] == ["bob"]
        for wire in slow:
            assert await wire.answer() == b""


@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_HALF_OPEN", 5), ("MAX_HALF_OPEN_BYTES", 5 * 60_000)], ids=["count", "bytes"]
)
async def test_oldest_is_dropped_beyond_limit(monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    monkeypatch.setattr(limits, limit, value)
    async with DevServer(port=0) as server, wires(server.port, 6) as half_open:
        for wire in half_open:
            with contextlib.suppress(ConnectionError):
                await wire.send(HALVES["an endless request line"][:60_000])
        assert await half_open[0].answer() == b""
        await half_open[-1].send(b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b" 404 " in await half_open[-1].answer()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /rtc?access_token=" + b"a" * (limits.MAX_REQUEST_LINE + 1) + b" HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nAuthorization: Bearer " + b"a" * (limits.MAX_HEADER_FIELD + 1) + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 1000 + b"\r\n", b"400"),
        (
            HEAD
            + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % (limits.MAX_REQUEST_BODY + 1)
            + bytes(limits.MAX_REQUEST_BODY + 1),
            b"413",
        ),
    ],
    ids=["request line", "header", "headers", "body"],
)
async def test_too_large_requests_are_refused_and_not_logged(
    server: DevServer, caplog: pytest.LogCaptureFixture, head: bytes, status: bytes
) -> None:
    caplog.set_level(logging.DEBUG)
    async with wires(server.port, 1) as (wire,):
        with contextlib.suppress(ConnectionError):
            await wire.send(head)
        assert status in (await wire.answer()).partition(b"\r\n")[0]
    assert "aaaa" not in caplog.text
    assert all(record.levelno < logging.WARNING for record in caplog.records)


async def test_compressed_bodies_are_not_decompressed(server: DevServer) -> None:
    async with aiohttp.ClientSession() as http:
        url = http_url(server, "/twirp/livekit.RoomService/ListRooms")
        async with http.post(url, data=b"not deflated", headers={"Content-Encoding": "deflate"}) as response:
            assert response.status in (401, 404)
