"""Access control by the origin of a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from livekit._util.loopback import is_loopback
from livekit.server import DevServer
from livekit.server.request_origin import OriginGuard, is_cross_site, is_local, is_private_host, local_only
from tests.server.client import http_url

HERE = "127.0.0.1:7880"


def request_with(headers: Mapping[str, str], *, remote: str = "127.0.0.1", host: str = HERE) -> web.Request:
    """Return a request for the console with the given headers."""
    transport = Mock()
    transport.get_extra_info.side_effect = {"peername": (remote, 5)}.get
    return make_mocked_request("GET", "/console", headers={"Host": host, **headers}, transport=transport)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "::1"])
def test_loopback_is_private(host: str) -> None:
    assert is_loopback(host)
    assert is_private_host(host)


@pytest.mark.parametrize(
    "host",
    [
        *("192.168.1.5", "10.1.2.3", "172.16.0.1", "169.254.1.1", "100.64.0.1", "[fe80::1%25eth0]", "fd00::1"),
        *("laptop", "printer.local", "app.test", "host.docker.internal", "x.home.arpa"),
    ],
)
def test_private_networks_are_not_loopback(host: str) -> None:
    assert is_private_host(host)
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "evil.com", "localhost.evil.com", "notlocalhost.com", "8.8.8.8", "2001:4860:4860::8888", "127.0.0.1.nip.io"],
)
def test_public_hosts_are_not_private(host: str) -> None:
    assert not is_private_host(host)
    assert not is_loopback(host)


@pytest.mark.parametrize("host", [HERE, "localhost", "localhost:1", "[::1]:7880"])
@pytest.mark.parametrize("remote", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_local_requests(host: str, remote: str) -> None:
    assert is_local(request_with({}, remote=remote, host=host))


@pytest.mark.parametrize(
    ("remote", "host", "headers"),
    [
        ("192.168.1.5", HERE, {}),
        ("", HERE, {}),
        ("127.0.0.1", "evil.com:7880", {}),
        ("127.0.0.1", "192.168.1.4:7880", {}),
        ("127.0.0.1", "", {}),
        ("127.0.0.1", "[", {}),
        ("127.0.0.1", HERE, {"X-Forwarded-For": "8.8.8.8"}),
        ("127.0.0.1", HERE, {"Forwarded": "for=8.8.8.8"}),
    ],
)
def test_non_local_requests(remote: str, host: str, headers: dict[str, str]) -> None:
    assert not is_local(request_with(headers, remote=remote, host=host))


@pytest.mark.parametrize(
    ("headers", "cross"),
    [
        ({}, False),
        ({"Origin": f"http://{HERE}"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe"}, True),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "script"}, True),
        ({"Origin": "http://127.0.0.1:3000"}, True),
        ({"Origin": "https://evil.com", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "http://["}, True),
    ],
)
def test_cross_site_requests(headers: dict[str, str], cross: bool) -> None:
    assert is_cross_site(request_with(headers)) is cross


async def test_local_only_handler_refuses_others() -> None:
    async def show(request: web.Request) -> web.StreamResponse:
        return web.Response(text="shown")

    guarded = local_only(show)
    assert (await guarded(request_with({}))).status == 200
    for request in (request_with({"Origin": "https://evil.com"}), request_with({}, host="evil.com")):
        with pytest.raises(web.HTTPForbidden):
            _ = await guarded(request)


def admitted(origins: Iterable[str], *, allowed: Iterable[str] = (), host: str = HERE) -> list[str]:
    guard = OriginGuard(tuple(allowed))
    return [origin for origin in origins if guard.allows(request_with({"Origin": origin}, host=host))]


NEARBY = [
    "http://localhost:3000",
    "http://127.0.0.1:5173",
    "https://192.168.1.5:8443",
    "http://[::1]:80",
    "http://laptop",
]
APPS = ["capacitor://localhost", "tauri://localhost", "chrome-extension://abcdefgh", "file://"]
WORLD = [
    "https://evil.com",
    "http://evil.com:7880",
    "http://localhost.evil.com",
    "null",
    "https://8.8.8.8",
    "http://",
    "",
]


def test_private_pages_and_apps_may_use_development_key() -> None:
    assert OriginGuard().allows(request_with({}))
    assert admitted(NEARBY + APPS) == NEARBY + APPS
    assert admitted(WORLD) == []


def test_same_host_admits_addresses_but_not_names() -> None:
    assert admitted(["http://evil.com:7880"], host="evil.com:7880") == []
    assert admitted(["http://8.8.8.8:3000"], host="8.8.8.8:7880") == ["http://8.8.8.8:3000"]


def test_allowed_origins() -> None:
    assert admitted(WORLD, allowed=["https://EVIL.com/"]) == ["https://evil.com"]
    assert admitted(WORLD, allowed=["null"]) == ["null"]
    assert admitted(WORLD, allowed=["*"]) == WORLD


@pytest.mark.parametrize("path", ["/rtc", "/rtc/v1", "/rtc/validate"])
async def test_public_pages_cannot_join_with_development_key(path: str) -> None:
    headers = {"Origin": "https://evil.com"}
    own = DevServer(port=0, keys={"key": "a-secret-of-its-own"})
    open_to_all = DevServer(port=0, allowed_origins=["*"])
    async with DevServer(port=0) as known, open_to_all, own, aiohttp.ClientSession() as http:
        for server, refused in ((known, True), (open_to_all, False), (own, False)):
            url = http_url(server, path, access_token=server.token("mallory", room="demo"))
            async with http.get(url, headers=headers) as response:
                assert (response.status == 403) is refused
                assert response.headers["Access-Control-Allow-Origin"] == "*"
                assert ("--allow-origin" in await response.text()) is refused


async def test_local_pages_join_with_development_key(server: DevServer) -> None:
    url = http_url(server, "/rtc", access_token=server.token("alice", room="demo"))
    headers = {"Origin": "http://localhost:5173"}
    async with aiohttp.ClientSession() as http, http.ws_connect(url, headers=headers) as socket:
        assert await socket.receive_bytes()


async def test_cors_covers_token_protected_paths_only(server: DevServer) -> None:
    asking = {"Origin": "http://localhost:5173", "Access-Control-Request-Headers": "authorization,x-more"}
    async with aiohttp.ClientSession() as http:
        async with http.options(http_url(server, "/twirp/livekit.RoomService/ListRooms"), headers=asking) as response:
            assert response.status == 204
            assert response.headers["Access-Control-Allow-Headers"] == "authorization,x-more"
            assert "POST" in response.headers["Access-Control-Allow-Methods"]
        for path, readable in (("/rtc/nowhere", True), ("/", False), ("/metrics", False), ("/console", False)):
            async with http.get(http_url(server, path), headers=asking) as response:
                assert ("Access-Control-Allow-Origin" in response.headers) is readable
