"""Settings, requests and responses of the RoomService."""

from __future__ import annotations

import json

import jwt
import pytest

from livekit.backend.settings import MissingKeyError
from livekit.backend.twirp import TwirpEndpoint, TwirpError, TwirpRequest, TwirpResponse, http_url, parse_response
from livekit.errors import AuthenticationError, ConnectError, NotLiveKitError, ServerUnreachableError
from livekit.protocol.room import ListRoomsRequest, ListRoomsResponse, PerformRpcResponse

SETTINGS = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
REQUEST = TwirpRequest("http://127.0.0.1:7880/twirp/livekit.RoomService/PerformRpc", {}, b"")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://127.0.0.1:7880", "http://127.0.0.1:7880"),
        ("wss://x.livekit.cloud/", "https://x.livekit.cloud"),
        (" http://[::1]:7880 ", "http://[::1]:7880"),
        ("https://x/behind a/proxy/?a=b#c", "https://x/behind%20a/proxy"),
        ("WS://Host", "http://host"),
        ("ws://user:password@host:1", "http://host:1"),
    ],
)
def test_websocket_urls_become_http_urls(url: str, expected: str) -> None:
    assert http_url(url) == expected


@pytest.mark.parametrize(
    "url", ["", "localhost:7880", "ftp://x", "ws://", "ws://x:y", "ws://x:99999", "ws://[x", "ws://a..b", "ws://\ud800"]
)
def test_invalid_url_raises_with_an_example(url: str) -> None:
    with pytest.raises(ValueError, match="wss://my-project"):
        http_url(url)


@pytest.mark.parametrize("missing", SETTINGS[1:])
@pytest.mark.parametrize("url", ["ws://x", "ws://127.0.0.1"])
def test_missing_setting_is_named(missing: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(SETTINGS, (url, "k", "s"), strict=True):
        if name != missing:
            monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"set {missing}, or pass {missing.removeprefix('LIVEKIT_').lower()}$"):
        TwirpEndpoint.from_settings(None, None, None)


@pytest.mark.parametrize("url", [None, "ws://127.0.0.1:1", "http://localhost", "ws://[::1]:7880", "ws://a.localhost"])
def test_development_key_is_the_default_on_this_machine(url: str | None) -> None:
    endpoint = TwirpEndpoint.from_settings(url, None, None)
    assert (endpoint.api_key, endpoint.api_secret) == ("devkey", "secret")
    assert endpoint.url == http_url(url or "ws://127.0.0.1:7880")


@pytest.mark.parametrize("url", ["wss://x.livekit.cloud", "ws://192.168.1.5:7880", "ws://localhost.example"])
def test_other_machines_need_a_key(url: str) -> None:
    with pytest.raises(MissingKeyError, match=f"no API key for {url}: set LIVEKIT_API_KEY and LIVEKIT_API_SECRET"):
        TwirpEndpoint.from_settings(url, None, None)


def test_invalid_url_is_reported_before_a_missing_key() -> None:
    with pytest.raises(ValueError, match="the URL 'foo' has no scheme"):
        TwirpEndpoint.from_settings("foo", None, None)


def test_settings_default_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(SETTINGS, ("ws://x", "k", "s"), strict=True):
        monkeypatch.setenv(name, value)
    assert TwirpEndpoint.from_settings(None, None, None) == TwirpEndpoint("http://x", "k", "s")
    assert TwirpEndpoint.from_settings("ws://y", "k2", "s2") == TwirpEndpoint("http://y", "k2", "s2")
    with pytest.raises(ValueError, match="api_secret"):
        TwirpEndpoint.from_settings(None, None, "")


def test_request_has_url_body_and_token() -> None:
    endpoint = TwirpEndpoint("http://x", "key", "secret")
    request = endpoint.request("ListRooms", ListRoomsRequest(names=["a"]), {"roomList": True})
    assert request.url == "http://x/twirp/livekit.RoomService/ListRooms"
    assert ListRoomsRequest.FromString(request.body).names == ["a"]
    token = request.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, "secret", algorithms=["HS256"])
    assert (claims["iss"], claims["video"]) == ("key", {"roomList": True})
    assert claims["exp"] - claims["nbf"] <= 3600


def test_repr_hides_secrets() -> None:
    endpoint = TwirpEndpoint("http://x", "key", "hidden")
    request = endpoint.request("ListRooms", ListRoomsRequest(), {})
    assert "hidden" not in repr(endpoint)
    assert request.headers["Authorization"] not in repr(request)


def test_response_is_decoded() -> None:
    body = PerformRpcResponse(payload="x").SerializeToString()
    assert parse_response(REQUEST, TwirpResponse(200, body), PerformRpcResponse).payload == "x"


@pytest.mark.parametrize(
    ("status", "body", "error_class", "text"),
    [
        (200, b"<html>", NotLiveKitError, "PerformRpcResponse"),
        (301, b"", NotLiveKitError, r"redirects elsewhere \(301\)"),
        (401, b"invalid API key: k", AuthenticationError, "check LIVEKIT_API_KEY"),
        (401, b'{"code":"unauthenticated","msg":"invalid API key"}', AuthenticationError, "check LIVEKIT_API_KEY"),
        (403, b"no", AuthenticationError, "403"),
        (404, b"404 page not found", NotLiveKitError, "page not found"),
        (404, b'{"error": "x"}', NotLiveKitError, "404"),
        (404, b"[" * 100_000, NotLiveKitError, "404"),
        (404, b'{"code": 5, "msg": "x"}', NotLiveKitError, "404"),
        (404, b'{"code": "x", "msg": 5}', NotLiveKitError, "404"),
        (502, b"<html>bad gateway", ServerUnreachableError, "502"),
        (500, b"\xff", ServerUnreachableError, "500"),
    ],
)
def test_response_that_is_not_twirp_raises(
    status: int, body: bytes, error_class: type[ConnectError], text: str
) -> None:
    with pytest.raises(error_class, match=text) as caught:
        parse_response(REQUEST, TwirpResponse(status, body), PerformRpcResponse)
    assert type(caught.value) is error_class


def test_error_does_not_repeat_the_token() -> None:
    token = TwirpEndpoint("http://x", "key", "secret").request("X", ListRoomsRequest(), {}).headers["Authorization"][7:]
    with pytest.raises(AuthenticationError) as caught:
        parse_response(
            REQUEST,
            TwirpResponse(401, f"invalid token: {token}, error: cryptographic".encode()),
            ListRoomsResponse,
        )
    assert token[:20] not in str(caught.value)
    assert "check LIVEKIT_API_SECRET" in str(caught.value)


@pytest.mark.parametrize("meta", [{"a": "b"}, None, "x"])
def test_twirp_error_has_code_message_and_meta(meta: object) -> None:
    body = json.dumps({"code": "not_found", "msg": "no room", "meta": meta}).encode()
    with pytest.raises(TwirpError) as caught:
        parse_response(REQUEST, TwirpResponse(404, body), PerformRpcResponse)
    error = caught.value
    assert (error.code, error.message, error.status) == ("not_found", "no room", 404)
    assert error.meta == ({"a": "b"} if isinstance(meta, dict) else {})


def test_status_413_is_a_twirp_error() -> None:
    with pytest.raises(TwirpError) as caught:
        parse_response(REQUEST, TwirpResponse(413, b"too large"), PerformRpcResponse)
    assert caught.value.status == 413
