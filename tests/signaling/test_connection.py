"""A signal connection to a WebSocket server that each test scripts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import WSMessage, WSMsgType, web

from livekit.protocol import rtc
from livekit.signaling import SignalConnection, SignalParameters, SignalUrls, parse_server_url

pytestmark = pytest.mark.usefixtures("no_leaks")

TIMEOUT = 5.0
Serve = Callable[[web.WebSocketResponse], Awaitable[None]]
PING = rtc.SignalRequest(ping=1)


async def listen(socket: web.WebSocketResponse) -> None:
    """Read until the client closes the connection."""
    async for _ in socket:
        pass


@asynccontextmanager
async def connected(serve: Serve) -> AsyncGenerator[SignalConnection, None]:
    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await serve(socket)
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/rtc", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server = parse_server_url(f"ws://127.0.0.1:{runner.addresses[0][1]}")
    progress: list[str] = []
    connection = await SignalConnection.open(SignalUrls.dual(server, SignalParameters()), "token", progress.append)
    assert len(progress) == 3
    try:
        yield connection
    finally:
        await connection.abort()
        await runner.cleanup()


async def test_raising_callback_does_not_stop_messages(caplog: pytest.LogCaptureFixture) -> None:
    async def serve(socket: web.WebSocketResponse) -> None:
        for number in range(3):
            await socket.send_bytes(rtc.SignalResponse(pong=number).SerializeToString())
        await listen(socket)

    got: list[int] = []
    last = asyncio.Event()

    def on_message(message: rtc.SignalResponse) -> None:
        got.append(message.pong)
        if message.pong == 2:
            last.set()
        raise RuntimeError("a mistake above")

    async with connected(serve) as connection:
        connection.on_message = on_message
        connection.start(ping_interval=5, ping_timeout=15)
        await asyncio.wait_for(last.wait(), TIMEOUT)
    assert got == [0, 1, 2]
    assert caplog.text.count("RuntimeError: a mistake above") == 3


async def test_close_sends_queued_messages() -> None:
    got: list[bytes] = []
    closed = asyncio.Event()

    async def serve(socket: web.WebSocketResponse) -> None:
        got.extend([message.data async for message in socket])
        closed.set()

    async with connected(serve) as connection:
        for _ in range(100):
            connection.send(PING)
        await connection.close()
        await asyncio.wait_for(closed.wait(), TIMEOUT)
        connection.send(PING)
        await connection.close()
    assert got == [PING.SerializeToString()] * 100


async def test_round_trip_time_is_measured_by_pings() -> None:
    async def serve(socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                ping = rtc.SignalRequest.FromString(message.data).ping_req
                pong = rtc.SignalResponse(pong_resp=rtc.Pong(last_ping_timestamp=ping.timestamp))
                await socket.send_bytes(pong.SerializeToString())

    answered = asyncio.Event()
    async with connected(serve) as connection:
        connection.on_message = lambda _: answered.set()
        connection.start(ping_interval=5, ping_timeout=15)
        await asyncio.wait_for(answered.wait(), TIMEOUT)
        assert connection.round_trip_time is not None
        assert 0 <= connection.round_trip_time < TIMEOUT


async def test_silent_server_closes_the_connection_once() -> None:
    reason: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with connected(listen) as connection:
        connection.on_closed = reason.set_result
        connection.start(ping_interval=0.02, ping_timeout=0.1)
        assert await asyncio.wait_for(reason, TIMEOUT) == "the server was silent for 0.1 s"
        assert connection.closed


async def test_close_by_the_server_is_reported() -> None:
    go = asyncio.Event()

    async def serve(socket: web.WebSocketResponse) -> None:
        await go.wait()

    reason: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with connected(serve) as connection:
        connection.on_closed = reason.set_result
        connection.start(ping_interval=5, ping_timeout=15)
        go.set()
        assert "closed" in await asyncio.wait_for(reason, TIMEOUT)


async def test_own_close_is_not_reported() -> None:
    reasons: list[str] = []
    async with connected(listen) as connection:
        connection.on_closed = reasons.append
        connection.start(ping_interval=5, ping_timeout=15)
        await connection.close()
    assert reasons == []


async def test_a_message_that_arrived_is_read_after_sending_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that shuts down sends a leave, then resets the connection."""
    leave = rtc.SignalResponse(leave=rtc.LeaveRequest())

    async def serve(socket: web.WebSocketResponse) -> None:
        await listen(socket)

    got: list[str | None] = []
    ended = asyncio.Event()
    async with connected(serve) as connection:
        connection.on_message = lambda message: got.append(message.WhichOneof("message"))
        connection.on_closed = lambda reason: ended.set()
        connection.start(ping_interval=5, ping_timeout=15)
        await asyncio.sleep(0)

        async def fail(data: bytes) -> None:
            raise ConnectionResetError("reset")

        monkeypatch.setattr(connection._socket, "send_bytes", fail)
        connection.send(PING)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not ended.is_set()
        reader = connection._socket._reader
        reader.feed_data(WSMessage(WSMsgType.BINARY, leave.SerializeToString(), None), 1)
        await asyncio.wait_for(ended.wait(), TIMEOUT)
    assert got == ["leave"]


async def test_a_ping_reports_its_own_pong() -> None:
    async def serve(socket: web.WebSocketResponse) -> None:
        async for message in socket:
            ping = rtc.SignalRequest.FromString(message.data).ping_req
            pong = rtc.Pong(last_ping_timestamp=ping.timestamp)
            await socket.send_bytes(rtc.SignalResponse(pong_resp=pong).SerializeToString())

    pongs = [asyncio.Event(), asyncio.Event()]
    async with connected(serve) as connection:
        connection.start(ping_interval=5, ping_timeout=15)
        for pong in pongs:
            connection.ping(pong.set)
            await asyncio.wait_for(pong.wait(), TIMEOUT)
