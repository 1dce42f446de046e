"""Event streams of open pages."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest
from aiohttp import web

from livekit import Room, RpcInvocationData
from livekit.server import DevServer
from livekit.server.console import event_stream
from livekit.server.console.call_tracker import MAX_CALLS
from livekit.server.console.event_stream import MAX_CALLS_PER_UPDATE, MAX_PAGES, EventStreams, Updates
from livekit.server.console.observer import Observer
from livekit.server.console.payload import MAX_PREVIEW
from tests.server.client import PATIENCE, http_url
from tests.server.console.packets import request
from tests.server.console.page_client import open_page
from tests.server.recording_link import join, make_rooms


def echo(data: RpcInvocationData) -> str:
    return data.payload


async def test_live_updates(server: DevServer) -> None:
    async with open_page(server) as page, Room() as alice, Room() as bob:
        await alice.connect(server.url, server.token("alice", room="demo"))
        state = await page.until("state", participants=1)
        assert [room["name"] for room in state["rooms"]] == ["demo"]
        await bob.connect(server.url, server.token("bob", room="demo"))
        alice.register_rpc_method("echo", echo)
        _ = await page.act("payloads", keep=True)
        perform = bob.local_participant.perform_rpc
        assert await perform(destination_identity="alice", method="echo", payload="hi") == "hi"
        call = await page.until("calls", state="answered")
        assert (call["caller"], call["callee"], call["method"]) == ("bob", "alice", "echo")
        assert call["request"]["text"] == call["response"]["text"] == "hi"
        await bob.disconnect()
        assert (await page.until("notes", who="bob", text="left"))["room"] == "demo"


async def test_new_page_gets_the_history(server: DevServer) -> None:
    async with Room() as room:
        await room.connect(server.url, server.token("alice", room="demo"))
    async with open_page(server) as page:
        assert (await page.until("notes", who="alice", text="left"))["number"] > 1


def test_only_changes_are_sent() -> None:
    rooms, observer = make_rooms(), Observer()
    rooms.packet_observer = observer
    updates = Updates(rooms, observer)
    assert len(list(updates.take(0.0))) == 1
    assert list(updates.take(0.25)) == []
    alice = join(rooms, "alice")
    for number in range(MAX_CALLS_PER_UPDATE + 1):
        alice.send(request(call=str(number)), now=0.3)
    assert [update.partition(b"\n")[0] for update in updates.take(0.5)] == [b"event: state", b"event: calls"]
    (rest,) = updates.take(0.75)
    assert rest.count(b'"number"') == 1
    assert list(updates.take(0.75)) == []


async def test_page_limit(server: DevServer) -> None:
    async with aiohttp.ClientSession() as http:
        url = http_url(server, "/console/feed")
        pages = [await http.get(url) for _ in range(MAX_PAGES)]
        assert {page.status for page in pages} == {200}
        async with http.get(url) as refused:
            assert refused.status == 503
        for page in pages:
            page.close()


async def test_stopping_the_server_ends_streams() -> None:
    async with DevServer(port=0, console=True) as server, open_page(server) as page:
        await asyncio.wait_for(server.aclose(), PATIENCE)
        with pytest.raises(EOFError):
            _ = await page.until("hello")


async def test_slow_page_costs_one_update(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "UPDATE_INTERVAL", 0.001)
    rooms, observer = make_rooms(), Observer()
    rooms.packet_observer = observer
    observer.calls.set_keep_payloads(True)
    alice = join(rooms, "alice")
    feeds = EventStreams(rooms, observer, lambda: {"pad": "x" * 2_000_000})  # fills what the sockets take
    transports: list[asyncio.Transport] = []

    async def serve(request: web.Request) -> web.StreamResponse:
        assert isinstance(request.transport, asyncio.Transport)
        transports.append(request.transport)
        return await feeds.serve(request)

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with socket.socket() as page:
        page.setblocking(False)
        page.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(page, tuple(runner.addresses[0]))
        await loop.sock_sendall(page, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        most = 0
        for number in range(20 * MAX_CALLS):
            alice.send(request("nobody", call=str(number), payload="p" * MAX_PREVIEW))
            if number % 20 == 0:
                await asyncio.sleep(0.001)
                most = max(most, *(transport.get_write_buffer_size() for transport in transports), 0)
        assert feeds.count == 1
        assert 0 < most < 3_000_000
    feeds.close()
    await runner.cleanup()
