"""Requests, and what answers mean."""

from __future__ import annotations

import json

import jwt
import pytest

from livekit.backend.twirp import Request, Server, ServiceError, http_url, read_answer
from livekit.errors import AuthenticationError, ConnectError, NotLiveKitError, ServerUnreachableError
from livekit.protocol.room import ListRoomsRequest, ListRoomsResponse, PerformRpcResponse

SETTINGS = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
REQUEST = Request("http://127.0.0.1:7880/twirp/livekit.RoomService/PerformRpc", {}, b"")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("ws://127.0.0.1:7880", "http://127.0.0.1:7880"),
        ("wss://x.livekit.cloud/", "https://x.livekit.cloud"),
        (" http://[::1]:7880 ", "http://[::1]:7880"),
        ("https://x/behind a/proxy/?a=b#c", "https://x/behind%20a/proxy"),
        ("WS://Host", "http://Host"),
        ("ws://user:password@host:1", "http://host:1"),
    ],
)
def test_url(given: str, expected: str) -> None:
    assert http_url(given) == expected


@pytest.mark.parametrize(
    "url", ["", "localhost:7880", "ftp://x", "ws://", "ws://x:y", "ws://x:99999", "ws://[x", "ws://a..b", "ws://\ud800"]
)
def test_bad_url(url: str) -> None:
    with pytest.raises(ValueError, match="wss://my-project"):
        http_url(url)


@pytest.mark.parametrize("missing", SETTINGS)
def test_a_setting_that_is_missing_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        if name != missing:
            monkeypatch.setenv(name, "ws://x")
    with pytest.raises(ValueError, match=missing):
        Server.of(None, None, None)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(SETTINGS, ("ws://x", "k", "s"), strict=True):
        monkeypatch.setenv(name, value)
    assert Server.of(None, None, None) == Server("http://x", "k", "s")
    assert Server.of("ws://y", "k2", "s2") == Server("http://y", "k2", "s2")
    with pytest.raises(ValueError, match="api_secret"):
        Server.of(None, None, "")


def test_request() -> None:
    server = Server("http://x", "key", "secret")
    request = server.request("ListRooms", ListRoomsRequest(names=["a"]), {"roomList": True})
    assert request.url == "http://x/twirp/livekit.RoomService/ListRooms"
    assert ListRoomsRequest.FromString(request.body).names == ["a"]
    token = request.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, "secret", algorithms=["HS256"])
    assert (claims["iss"], claims["video"]) == ("key", {"roomList": True})
    assert claims["exp"] - claims["nbf"] <= 3600


def test_secrets_are_not_shown() -> None:
    server = Server("http://x", "key", "hidden")
    request = server.request("ListRooms", ListRoomsRequest(), {})
    assert "hidden" not in repr(server)
    assert request.headers["Authorization"] not in repr(request)


def test_answer() -> None:
    body = PerformRpcResponse(payload="x").SerializeToString()
    assert read_answer(REQUEST, 200, body, PerformRpcResponse).payload == "x"


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (200, b"<html>", NotLiveKitError, "PerformRpcResponse"),
        (301, b"", NotLiveKitError, "answered 301"),
        (401, b"invalid API key: k", AuthenticationError, "check LIVEKIT_API_KEY"),
        (401, b'{"code":"unauthenticated","msg":"invalid API key"}', AuthenticationError, "check LIVEKIT_API_KEY"),
        (403, b"no", AuthenticationError, "403"),
        (404, b"404 page not found", NotLiveKitError, "page not found"),
        (404, b'{"error": "x"}', NotLiveKitError, "404"),
        (404, b"[" * 100_000, NotLiveKitError, "404"),
        (404, b'{"code": 5, "msg": "x"}', NotLiveKitError, "404"),
        (404, b'{"code": "x", "msg": 5}', NotLiveKitError, "404"),
        (502, b"<html>bad gateway", ServerUnreachableError, "502"),
        (500, b"\xff", NotLiveKitError, "500"),
    ],
)
def test_no_answer_of_the_service(status: int, body: bytes, kind: type[ConnectError], said: str) -> None:
    with pytest.raises(kind, match=said) as caught:
        read_answer(REQUEST, status, body, PerformRpcResponse)
    assert type(caught.value) is kind


def test_a_refused_token_is_not_repeated() -> None:
    token = Server("http://x", "key", "secret").request("X", ListRoomsRequest(), {}).headers["Authorization"][7:]
    with pytest.raises(AuthenticationError) as caught:
        read_answer(REQUEST, 401, f"invalid token: {token}, error: cryptographic".encode(), ListRoomsResponse)
    assert token[:20] not in str(caught.value)
    assert "check LIVEKIT_API_SECRET" in str(caught.value)


@pytest.mark.parametrize("meta", [{"a": "b"}, None, "x"])
def test_error_of_the_service(meta: object) -> None:
    body = json.dumps({"code": "not_found", "msg": "no room", "meta": meta}).encode()
    with pytest.raises(ServiceError) as caught:
        read_answer(REQUEST, 404, body, PerformRpcResponse)
    error = caught.value
    assert (error.code, error.message, error.status) == ("not_found", "no room", 404)
    assert error.meta == ({"a": "b"} if isinstance(meta, dict) else {})


def test_too_large_a_request() -> None:
    with pytest.raises(ServiceError) as caught:
        read_answer(REQUEST, 413, b"too large", PerformRpcResponse)
    assert caught.value.status == 413
