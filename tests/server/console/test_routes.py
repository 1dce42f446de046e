"""The console over HTTP: access control and actions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request

from livekit import Room, RoomOptions, RpcError, RpcInvocationData
from livekit.api import TokenVerifier
from livekit.e2ee import E2EEOptions, KeyProviderOptions
from livekit.rpc import wire
from livekit.server import DevServer, limits
from livekit.server.console import Console, routes
from livekit.server.console.request_parsing import MAX_TIMEOUT
from livekit.server.console.routes import KEY_HEADER
from livekit.server.room_manager import RoomManager
from tests.server.client import PATIENCE, http_url
from tests.server.console.page_client import BROWSER, open_page

PATHS = ("/console/feed", "/console/main.js", "/console/index.html")


async def get(server: DevServer, path: str, headers: Mapping[str, str]) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(http_url(server, path), headers=headers) as response:
        # The feed does not end.
        return response.status, "" if path.endswith("feed") and response.status == 200 else await response.text()


async def test_browsers_get_the_page_and_others_the_health_check(server: DevServer) -> None:
    assert server.console_url == http_url(server, "/")
    status, text = await get(server, "/", BROWSER)
    assert status == 200
    assert "<!doctype html>" in text
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        assert await get(server, "/", headers) == (200, "OK")


async def test_page_has_security_headers(server: DevServer) -> None:
    for path in ("/", "/console/main.js"):
        async with aiohttp.ClientSession() as http, http.get(http_url(server, path), headers=BROWSER) as response:
            policy = response.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
            assert "unsafe" not in policy
            assert "http" not in policy
            assert "frame-ancestors 'none'" in policy
            assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "Access-Control-Allow-Origin" not in response.headers


STRANGERS = [
    {"Host": "evil.example"},
    {"Host": "evil.example:7880"},
    {"Host": "localhost.evil.example"},
    {"Host": "192.168.1.5:7880"},
    {"X-Forwarded-For": "203.0.113.7"},
    {"Forwarded": "for=203.0.113.7"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost:3000"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda headers: " ".join(*headers.items()))
async def test_foreign_requests_are_rejected(server: DevServer, stranger: dict[str, str]) -> None:
    status, text = await get(server, "/", {**BROWSER, **stranger})
    assert (status, text) == (200, "OK") or status == 403
    for path in PATHS:
        status, _ = await get(server, path, stranger)
        assert status == 403
    async with open_page(server) as page:
        for action in ("token", "call", "payloads", "methods", "send", "participant", "update", "remove"):
            async with page.post(action, json={}, headers=stranger) as response:
                assert response.status == 403


async def test_other_machines_get_the_health_check(server: DevServer) -> None:
    transport = Mock()
    transport.get_extra_info.side_effect = {"peername": ("192.168.1.5", 5)}.get
    console = Console(server, RoomManager())
    request = make_mocked_request("GET", "/", headers={"Host": "127.0.0.1", **BROWSER}, transport=transport)
    answer = await console._root(request)
    assert getattr(answer, "text", None) == "OK"


@pytest.mark.parametrize("key", [None, "", "x" * 32])
async def test_actions_need_the_key_of_this_run(server: DevServer, key: str | None) -> None:
    headers = {} if key is None else {KEY_HEADER: key}
    body = {"room": "demo", "identity": "eve"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(http_url(server, "/console/token"), json=body, headers=headers) as response,
    ):
        assert response.status == 403
        assert "token" not in await response.text()


async def test_key_that_is_not_utf8(server: DevServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = f"POST /console/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{KEY_HEADER}: "
    writer.write(head.encode() + b"\xff\xfe\r\nContent-Length: 0\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 403 ")


async def test_cross_site_preflight_is_rejected(server: DevServer) -> None:
    headers = {
        "Origin": "http://localhost:3000",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": KEY_HEADER,
    }
    async with (
        aiohttp.ClientSession() as http,
        http.options(http_url(server, "/console/token"), headers=headers) as response,
    ):
        assert response.status >= 400
        assert not [name for name in response.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("path", ["/console/none.js", "/console/..%2froutes.py", "/console/"])
async def test_other_files_are_not_found(server: DevServer, path: str) -> None:
    assert (await get(server, path, {}))[0] == 404


async def test_console_is_off_by_default() -> None:
    async with DevServer(port=0) as server:
        assert server.console_url is None
        assert server.rooms.packet_observer is None
        assert await get(server, "/", BROWSER) == (200, "OK")
        for path in PATHS:
            assert (await get(server, path, {}))[0] == 404


async def test_no_url_without_a_loopback_address() -> None:
    assert DevServer("192.0.2.1", console=True).console_url is None
    assert DevServer("0.0.0.0", 7880, console=True).console_url == "http://127.0.0.1:7880/"
    assert DevServer("::1", 7880, console=True).console_url == "http://[::1]:7880/"


async def test_token_action_mints_the_wanted_claims(server: DevServer) -> None:
    async with open_page(server) as page:
        given = await page.act(
            "token", room="kitchen", identity="carol", name="Carol", hours=1, hidden=True, publish=False
        )
    claims = TokenVerifier(server.api_key, server.api_secret).verify(given["token"])
    assert (claims.identity, claims.name) == ("carol", "Carol")
    assert claims.video is not None
    assert (claims.video.room, claims.video.room_join) == ("kitchen", True)
    assert (claims.video.hidden, claims.video.can_publish_data) == (True, False)
    assert not claims.video.room_admin


@pytest.mark.parametrize(
    ("action", "body", "message"),
    [
        ("token", {}, "a room is required"),
        ("token", {"room": "r"}, "an identity is required"),
        ("token", {"room": "r", "identity": 5}, "identity must be of type str"),
        ("token", {"room": "r", "identity": "ä" * limits.MAX_IDENTITY}, "an identity is limited to"),
        ("token", {"room": "r", "identity": "\ud800"}, "identity is not valid Unicode"),
        ("token", {"room": "r", "identity": "i", "hours": 0}, "hours must be a number"),
        ("token", {"room": "r", "identity": "i", "hours": float("nan")}, "hours must be a number"),
        ("token", {"room": "r", "identity": "i", "hidden": "yes"}, "hidden must be of type bool"),
        ("call", {"room": "r", "to": "i"}, "a method is required"),
        ("call", {"room": "r", "to": "i", "method": "m", "timeout": MAX_TIMEOUT + 1}, "timeout must be a number"),
        ("payloads", {"keep": 1}, "keep must be of type bool"),
        ("send", {"room": "r", "kind": "video"}, "kind must be one of data, text, chat"),
        ("send", {"kind": "data"}, "a room is required"),
        ("send", {"room": "nowhere", "kind": "data"}, "requested room does not exist"),
        ("update", {"room": "r", "to": "i", "attributes": {"a": 1}}, "attributes must have names and text values"),
        ("update", {"room": "r", "to": "i", "attributes": {"a": "\ud800"}}, "attributes is not valid Unicode"),
        ("update", {"room": "r", "to": "i", "name": "n" * (limits.MAX_NAME + 1)}, "name length exceeds limits"),
        ("update", {"room": "r", "to": "i"}, "participant does not exist"),
        ("participant", {"room": "r", "to": "i"}, "participant does not exist"),
        ("remove", {"room": "r", "to": "i"}, "participant does not exist"),
        ("token", ["room"], "not an object"),
    ],
)
async def test_invalid_input_is_reported(server: DevServer, action: str, body: object, message: str) -> None:
    async with open_page(server) as page, page.post(action, json=body) as response:
        assert response.status == 400
        assert message in (await response.json())["error"]


async def test_bodies_that_are_not_json(server: DevServer) -> None:
    async with open_page(server) as page:
        for options in ({"data": b"{}"}, {"data": b"{", "headers": {"Content-Type": "application/json"}}):
            async with page.post("token", **options) as response:
                assert response.status == 400
        async with page.post("shutdown", json={}) as response:
            assert response.status == 404


def answer(data: RpcInvocationData) -> str:
    return f"{data.payload} {data.response_timeout:g}"


def fail(data: RpcInvocationData) -> str:
    raise RpcError(2001, "cold", '{"degrees": 20}')


async def test_call_action_returns_response_or_error(server: DevServer) -> None:
    async with open_page(server) as page, Room() as room:
        room.register_rpc_method("answer", answer)
        room.register_rpc_method("fail", fail)
        await room.connect(server.url, server.token("alice", room="demo"))
        to_alice = {"room": "demo", "to": "alice"}
        given = await page.act("call", **to_alice, method="answer", payload="ä" * 30_000, timeout=30)
        assert given["payload"].startswith("ääää")
        assert given["took"] > 0
        given = await page.act("call", **to_alice, method="fail")
        assert (given["code"], given["message"], given["data"]) == (2001, "cold", '{"degrees": 20}')
        for given, code in (
            (await page.act("call", **to_alice, method="none"), 1400),
            (await page.act("call", room="demo", to="nobody", method="answer"), 1401),
            (await page.act("call", room="none", to="alice", method="answer"), 1401),
        ):
            assert given["code"] == code
        seen = await page.until("calls", method="fail", state="failed")
        assert (seen["caller"], seen["callee"], seen["code"]) == ("", "alice", 2001)


async def test_call_is_cancelled_with_the_request(server: DevServer) -> None:
    cancelled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    started = asyncio.Event()

    async def wait(data: RpcInvocationData) -> str:
        started.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set_result(None)
            raise
        return ""

    async with open_page(server) as page, Room() as room:
        room.register_rpc_method("wait", wait)
        await room.connect(server.url, server.token("alice", room="demo"))
        calling = asyncio.create_task(page.act("call", room="demo", to="alice", method="wait"))
        await started.wait()
        calling.cancel()
        await asyncio.wait_for(cancelled, PATIENCE)
        assert (await page.until("calls", state="cancelled"))["method"] == "wait"


async def test_update_changes_only_what_is_given(server: DevServer) -> None:
    async with open_page(server) as page, Room() as room:
        token = server.token("alice", room="demo", name="Alice", metadata="m" * 1000, attributes={"a": "1", "b": "2"})
        await room.connect(server.url, token)
        alice = {"room": "demo", "to": "alice"}
        assert await page.act("update", **alice, attributes={"a": "", "c": "3"}) == {}
        assert await page.act("participant", **alice) == {
            "name": "Alice",
            "metadata": "m" * 1000,
            "attributes": {"b": "2", "c": "3"},
            "own": False,
        }


async def test_methods_are_asked_once_for_all_pages(server: DevServer) -> None:
    async with Room() as room:
        await room.connect(server.url, server.token("alice", room="demo"))
        async with open_page(server) as page:
            await page.act("methods", room="demo", to="alice")
        async with open_page(server) as page:
            state = await page.until("state", participants=1)
            assert state["rooms"][0]["participants"][0]["askable"] is False


async def test_python_participants_announce_their_methods(server: DevServer) -> None:
    async with open_page(server) as page, Room() as room:
        room.register_rpc_method("fail", fail)
        room.register_rpc_method("answer", answer)
        await room.connect(server.url, server.token("alice", room="demo"))
        assert await page.act("methods", room="demo", to="alice") == {}
        while (person := (await page.until("state", participants=1))["rooms"][0]["participants"][0])["methods"] == []:
            assert person["askable"]
        assert (person["methods"], person["announced"]) == (["answer", "fail"], True)
        assert await page.act("methods", room="demo", to="nobody") == {}
        assert (await page.until("state", calls=0))["failed"] == 0


async def test_unresponsive_participant_is_asked_once(
    server: DevServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(routes, "METHODS_TIMEOUT", 0.1)
    encryption = E2EEOptions(key_provider_options=KeyProviderOptions(shared_key=b"secret"))
    async with open_page(server) as page, Room() as room:
        await room.connect(server.url, server.token("alice", room="demo"), options=RoomOptions(encryption=encryption))
        caplog.set_level("WARNING", "livekit.e2ee")
        for _ in range(3):
            assert await page.act("methods", room="demo", to="alice") == {}
        while (await page.until("state", participants=1))["rooms"][0]["participants"][0]["askable"]:
            pass
    assert sum("stream_header" in record.message for record in caplog.records) == 1


async def test_participants_cannot_ask_each_other(server: DevServer) -> None:
    async with Room() as alice, Room() as bob:
        alice.register_rpc_method("answer", answer)
        await alice.connect(server.url, server.token("alice", room="demo"))
        await bob.connect(server.url, server.token("bob", room="demo"))
        with pytest.raises(RpcError) as caught:
            _ = await bob.local_participant.perform_rpc(
                destination_identity="alice", method=wire.METHODS_METHOD, payload=""
            )
        assert caught.value.code == RpcError.ErrorCode.UNSUPPORTED_METHOD


async def test_rejected_requests_are_logged(server: DevServer) -> None:
    async with open_page(server) as page:
        secret = server.token("alice", room="demo")[:-1]
        assert (await get(server, f"/rtc/validate?access_token={secret}", {}))[0] == 401
        note = await page.until("notes", problem=True)
        assert note["who"] == "GET /rtc/validate"
        assert note["text"].startswith("status 401: invalid authorization token")
        assert secret not in str(note)
        assert (await get(server, "/console/none.js", {}))[0] == 404
        assert (await get(server, "/nothing", {}))[0] == 404
        assert (await page.until("notes"))["who"] == "GET /nothing"
