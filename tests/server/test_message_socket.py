"""A message socket sends in order and bounds its queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from livekit.protocol import rtc
from livekit.server import limits
from livekit.server.signal_socket import SignalSocket
from livekit.server.tasks import OwnedTasks

PATIENCE = 10.0


@pytest.fixture
async def tasks() -> AsyncIterator[OwnedTasks]:
    owned = OwnedTasks()
    yield owned
    await owned.aclose()


@asynccontextmanager
async def connected(
    tasks: OwnedTasks, serve: Callable[[SignalSocket], Awaitable[None]]
) -> AsyncGenerator[aiohttp.ClientWebSocketResponse[bool]]:
    """Connect a client to a server that runs `serve` for each connection and then closes it."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse(timeout=1.0)
        await response.prepare(request)
        socket = SignalSocket(response, tasks)
        try:
            await serve(socket)
        finally:
            await socket.aclose()
        return response

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with aiohttp.ClientSession() as http, http.ws_connect(url) as client:
            yield client
    finally:
        await runner.cleanup()


def pong(number: int) -> rtc.SignalResponse:
    return rtc.SignalResponse(pong=number)


async def test_queued_messages_are_written_before_close(tasks: OwnedTasks) -> None:
    async def serve(socket: SignalSocket) -> None:
        for number in range(1, 501):
            socket.send(pong(number))
        socket.finish()
        socket.send(pong(-1))

    async with connected(tasks, serve) as client:
        messages = [message.data async for message in client]
        assert [rtc.SignalResponse.FromString(data).pong for data in messages] == list(range(1, 501))
        assert client.close_code == aiohttp.WSCloseCode.OK


async def test_requests_arrive_in_order(tasks: OwnedTasks) -> None:
    pings: list[int] = []
    ended = asyncio.Event()

    async def serve(socket: SignalSocket) -> None:
        pings.extend([request.ping async for request in socket.requests()])
        ended.set()

    async with connected(tasks, serve) as client:
        for number in (1, 2, 3):
            await client.send_bytes(rtc.SignalRequest(ping=number).SerializeToString())
        await client.close()
        await asyncio.wait_for(ended.wait(), PATIENCE)
    assert pings == [1, 2, 3]


async def test_full_queue_closes_socket(tasks: OwnedTasks, caplog: pytest.LogCaptureFixture) -> None:
    sent = asyncio.Event()

    async def serve(socket: SignalSocket) -> None:
        for _ in range(limits.MAX_SIGNAL_BACKLOG + 2):
            socket.send(pong(1))
        sent.set()

    async with connected(tasks, serve):
        await asyncio.wait_for(sent.wait(), PATIENCE)
    assert f"{limits.MAX_SIGNAL_BACKLOG} messages are queued" in caplog.text


@pytest.mark.parametrize("limit", ["MAX_SIGNALS_PER_SECOND", "MAX_SIGNAL_BYTES_PER_SECOND"])
async def test_fast_client_is_throttled(tasks: OwnedTasks, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    request = rtc.SignalRequest(ping=1).SerializeToString()
    monkeypatch.setattr(limits, limit, 10 if limit == "MAX_SIGNALS_PER_SECOND" else 10 * len(request))

    async def serve(socket: SignalSocket) -> None:
        async for _ in socket.requests():
            socket.send(pong(1))

    async with connected(tasks, serve) as client:
        started = asyncio.get_running_loop().time()
        for _ in range(14):
            await client.send_bytes(request)
        for _ in range(14):
            await client.receive_bytes()
        assert asyncio.get_running_loop().time() - started >= 0.25


async def test_too_many_queued_bytes_close_socket(tasks: OwnedTasks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_SIGNAL_BACKLOG_BYTES", 1000)
    large = rtc.SignalResponse(refresh_token="x" * 500)

    async def serve(socket: SignalSocket) -> None:
        async for _ in socket.requests():
            socket.send(large)
        for _ in range(4):
            socket.send(large)
        await socket.aclose()

    async with connected(tasks, serve) as client:
        for _ in range(4):
            await client.send_bytes(rtc.SignalRequest(ping=1).SerializeToString())
            assert await client.receive_bytes() == large.SerializeToString()
        await client.send_str("no more requests")
        assert [message.data async for message in client] == []


async def test_finish_is_idempotent(tasks: OwnedTasks) -> None:
    async def serve(socket: SignalSocket) -> None:
        socket.finish()
        socket.finish()
        await socket.aclose()
        await socket.aclose()

    async with connected(tasks, serve) as client:
        message = await asyncio.wait_for(client.receive(), PATIENCE)
        assert message.type is aiohttp.WSMsgType.CLOSE
