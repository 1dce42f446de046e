"""Starting, stopping, and the properties of the server."""

from __future__ import annotations

import asyncio
import logging
import socket
import time

import aiohttp
import pytest

from livekit.api import TokenVerifier
from livekit.server import DevServer, ServerStartError, WebhookSettings
from livekit.server.auth import TokenAuthority
from livekit.server.responses import DisconnectReason
from tests.server.client import open_client
from tests.server.webhooks.receiver import Receiver

CLOSE_WITHIN = 5.0


async def test_url_host_port_and_key() -> None:
    server = DevServer(port=0)
    assert server.url == "ws://127.0.0.1:0"
    async with server:
        assert server.port > 0
        assert server.url == f"ws://127.0.0.1:{server.port}"
        assert (server.host, server.api_key, server.api_secret) == ("127.0.0.1", "devkey", "secret")
    assert DevServer().url == "ws://127.0.0.1:7880"
    assert DevServer("0.0.0.0").url == "ws://127.0.0.1:7880"
    assert DevServer("::1").url == "ws://[::1]:7880"


async def test_token_has_identity_claims_and_grants() -> None:
    server = DevServer(keys={"key": "a-secret-that-is-long-enough-for-hs256"})
    token = server.token("alice", room="demo", name="A", metadata="m", attributes={"k": "v"}, kind="agent", hidden=True)
    claims = TokenVerifier(server.api_key, server.api_secret).verify(token)
    assert (claims.identity, claims.name, claims.metadata) == ("alice", "A", "m")
    assert TokenAuthority({server.api_key: server.api_secret}).verify(token).kind == "AGENT"
    assert claims.attributes == {"k": "v"}
    assert claims.video is not None
    assert (claims.video.room, claims.video.room_join, claims.video.hidden) == ("demo", True, True)
    video = TokenVerifier(server.api_key, server.api_secret).verify(server.token("a", room_join=False)).video
    assert video is not None
    assert not video.room_join


@pytest.mark.parametrize("keys", [{}, {"key": ""}])
def test_requires_keys_with_secrets(keys: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="API key"):
        DevServer(keys=keys)


async def test_port_in_use_raises_server_start_error(server: DevServer) -> None:
    second = DevServer(port=server.port)
    before = asyncio.all_tasks()
    with pytest.raises(ServerStartError) as caught:
        await second.start()
    assert (caught.value.host, caught.value.port) == ("127.0.0.1", server.port)
    assert f"port {server.port} on 127.0.0.1 is taken" in str(caught.value)
    assert "choose another port" in str(caught.value)
    assert asyncio.all_tasks() == before
    await second.aclose()


async def test_address_of_another_machine_raises_server_start_error() -> None:
    with pytest.raises(ServerStartError, match=r"cannot listen on 192\.0\.2\.77"):
        await DevServer("192.0.2.77", 0).start()


@pytest.mark.parametrize(
    ("host", "reached", "refused"),
    [
        ("::", ["127.0.0.1", "::1"], []),
        ("", ["127.0.0.1", "::1"], []),
        ("0.0.0.0", ["127.0.0.1"], ["::1"]),
        ("::1", ["::1"], ["127.0.0.1"]),
        ("localhost", ["127.0.0.1"], []),
    ],
)
async def test_address_families(host: str, reached: list[str], refused: list[str]) -> None:
    async with DevServer(host, 0, keys={"key": "secret-of-a-test"}) as server, aiohttp.ClientSession() as http:
        for address in (server.url.replace("ws", "http", 1), *(_http_url(one, server.port) for one in reached)):
            async with http.get(address) as response:
                assert await response.text() == "OK"
        for address in refused:
            with pytest.raises(aiohttp.ClientConnectorError):
                await http.get(_http_url(address, server.port))


def _http_url(address: str, port: int) -> str:
    return f"http://[{address}]:{port}/" if ":" in address else f"http://{address}:{port}/"


async def test_port_of_one_family_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerStartError, match=f"port {port} on :: is taken"):
            await DevServer("::", port, keys={"key": "secret-of-a-test"}).start()


async def test_can_be_restarted() -> None:
    server = DevServer(port=0)
    for _ in range(2):
        await server.start()
        with pytest.raises(RuntimeError, match="running already"):
            await server.start()
        assert server.rooms.rooms == []
        await server.aclose()
        await server.aclose()
        with pytest.raises(RuntimeError, match="not running"):
            _ = server.rooms


async def test_close_disconnects_clients_and_leaves_no_tasks() -> None:
    before = asyncio.all_tasks()
    server = DevServer(port=0)
    await server.start()
    port = server.port
    async with (
        open_client(server, "alice") as alice,
        open_client(server, "bob", single=False) as bob,
        open_client(server, "carol", connect=False) as carol,
    ):
        await carol.open_socket()
        started = time.monotonic()
        closing = asyncio.ensure_future(server.aclose())
        for client in (alice, bob, carol):
            assert (await client.next_signal("leave")).leave.reason == DisconnectReason.SERVER_SHUTDOWN
            _ = await client.until_closed()
        await closing
        assert time.monotonic() - started < CLOSE_WITHIN
    assert asyncio.all_tasks() == before
    with socket.create_server(("127.0.0.1", port)):
        pass


async def test_close_leaves_no_tasks_of_abandoned_rooms() -> None:
    before = asyncio.all_tasks()
    async with Receiver() as receiver:
        async with DevServer(port=0, webhooks=WebhookSettings([receiver.url])) as server:
            async with open_client(server, "alice"):
                await receiver.until(2)
            await receiver.until(3)
            [room] = server.rooms.rooms
            assert not room.participants
        assert receiver.names[3:] == ["room_finished"]
    assert asyncio.all_tasks() == before


async def test_close_does_not_wait_for_client_that_does_not_read() -> None:
    before = asyncio.all_tasks()
    async with DevServer(port=0) as server, open_client(server, "alice", connect=False) as alice:
        await alice.open_socket()
        started = time.monotonic()
        await server.aclose()
        assert time.monotonic() - started < CLOSE_WITHIN
    assert asyncio.all_tasks() == before


async def test_warns_about_development_key_on_public_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="livekit.server")
    async with DevServer(port=0), DevServer("localhost", 0), DevServer("0.0.0.0", 0, keys={"k": "own"}):
        assert caplog.records == []
    async with DevServer("0.0.0.0", 0):
        assert "development key" in caplog.text
