"""`SignalRelay`, between plain HTTP and WebSocket clients and servers."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from livekit.protocol import rtc
from livekit.server import DevServer
from livekit.testing.relay.signals import SignalRelay

UNREACHABLE = "ws://127.0.0.1:1"
UNDECODABLE = b"\xff\xff"
BOTH = rtc.SignalResponse(refresh_token="t"), rtc.SignalResponse(pong=7)


class ScriptedServer:
    """A WebSocket server that sends a fixed script, then records what it receives until the client closes."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[str | bytes] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("text")
        await socket.send_bytes(UNDECODABLE)
        for response in BOTH:
            await socket.send_bytes(response.SerializeToString())
        async for message in socket:
            self.received.append(message.data)
            await socket.close(code=4001)
        return socket

    async def start(self, runner: web.AppRunner) -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"


async def get(relay: SignalRelay, path: str) -> tuple[int, str]:
    url = URL(relay.url).with_scheme("http").join(URL(path))
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_plain_requests_are_relayed_unless_missing(no_leaks: None) -> None:
    async with DevServer(port=0) as server, SignalRelay(server.url) as relay:
        assert await get(relay, "/") == (200, "OK")
        status, reason = await get(relay, "/rtc/validate?access_token=x")
        assert status == 401
        assert "token" in reason
        relay.missing = ("/rtc/v1",)
        assert (await get(relay, "/rtc/v1/validate"))[0] == 404
        assert relay.paths == ["/", "/rtc/validate?access_token=x", "/rtc/v1/validate"]
        assert relay.joins == 0


async def test_refused_websocket_keeps_the_servers_status(no_leaks: None) -> None:
    async with DevServer(port=0) as server, SignalRelay(server.url) as relay, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{relay.url}/rtc?access_token=x")
        assert (refused.value.status, relay.joins) == (401, 0)


async def test_unreachable_server_is_a_bad_gateway(no_leaks: None) -> None:
    async with SignalRelay(UNREACHABLE) as relay, aiohttp.ClientSession() as session:
        status, reason = await get(relay, "/")
        assert (status, "127.0.0.1:1" in reason) == (502, True)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{relay.url}/rtc")
        assert refused.value.status == 502


@pytest.mark.parametrize("dropped", [set[str](), {"pong"}])
async def test_binary_messages_pass_and_text_is_dropped(no_leaks: None, dropped: set[str]) -> None:
    server = ScriptedServer()
    app = web.Application()
    app.router.add_get("/rtc", server.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await server.start(runner)
    try:
        async with SignalRelay(server.url) as relay, aiohttp.ClientSession() as session:
            relay.dropped_kinds = dropped
            client = await session.ws_connect(f"{relay.url}/rtc")
            expected = [UNDECODABLE, *(r.SerializeToString() for r in BOTH if r.WhichOneof("message") not in dropped)]
            assert [await client.receive_bytes() for _ in expected] == expected
            request = rtc.SignalRequest(ping=1)
            await client.send_str("text")
            await client.send_bytes(request.SerializeToString())
            assert (await client.receive()).type is aiohttp.WSMsgType.CLOSE
            assert client.close_code == 4001
            assert server.received == [request.SerializeToString()]
            assert relay.requests == [request]
    finally:
        await runner.cleanup()
