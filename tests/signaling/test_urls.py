from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.errors import ConnectError
from livekit.signaling.join_request import Reconnect, SignalParameters
from livekit.signaling.urls import SignalUrls, parse_server_url


@pytest.mark.parametrize(
    ("given_url", "websocket"),
    [
        ("ws://127.0.0.1:7880", "ws://127.0.0.1:7880/"),
        ("wss://example.com", "wss://example.com/"),
        ("http://localhost:7880/", "ws://localhost:7880/"),
        ("HTTPS://example.com/prefix", "wss://example.com/prefix"),
        (" ws://[::1]:7880 ", "ws://[::1]:7880/"),
    ],
)
def test_http_and_websocket_urls_are_accepted(given_url: str, websocket: str) -> None:
    assert str(parse_server_url(given_url)) in {websocket, websocket.rstrip("/")}


@pytest.mark.parametrize(
    "url",
    ["", "  ", "localhost:7880", "ftp://example.com", "ws://", "//host", "ws://host:port", "ws://h:99999", "ws:/x"],
)
def test_invalid_url_raises_with_an_example(url: str) -> None:
    with pytest.raises(ConnectError, match=r"ws://127\.0\.0\.1:7880"):
        parse_server_url(url)


@given(st.text())
def test_any_text_is_a_url_or_a_connect_error(text: str) -> None:
    try:
        url = parse_server_url(text)
    except ConnectError:
        return
    assert url.scheme in {"ws", "wss"}
    assert url.host


def test_single_routes_keep_the_path_prefix() -> None:
    urls = SignalUrls.single(parse_server_url("https://example.com/livekit/"), SignalParameters())
    assert urls.websocket.path == "/livekit/rtc/v1"
    assert urls.validate.path == "/livekit/rtc/v1/validate"
    assert (urls.websocket.scheme, urls.validate.scheme) == ("wss", "https")
    assert set(urls.websocket.query) == {"join_request"}
    assert urls.validate.query == urls.websocket.query


def test_dual_routes_have_all_parameters_in_the_query() -> None:
    reconnect = Reconnect(participant_sid="PA_1")
    urls = SignalUrls.dual(parse_server_url("ws://h:1"), SignalParameters(auto_subscribe=False, reconnect=reconnect))
    assert urls.websocket.path == "/rtc"
    assert urls.validate.path == "/rtc/validate"
    expected = {
        "sdk": "python",
        "protocol": "17",
        "client_protocol": "2",
        "auto_subscribe": "0",
        "capabilities": "CAP_COMPRESSION_DEFLATE_RAW",
        "reconnect": "1",
        "sid": "PA_1",
    }
    assert expected.items() <= dict(urls.websocket.query).items()
