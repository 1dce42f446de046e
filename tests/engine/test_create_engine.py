from __future__ import annotations

from typing import Any

import pytest

from livekit import Room
from livekit.engine import Engine, EngineListener, create_engine, register_scheme
from livekit.engine.rtc_engine import RtcEngine
from livekit.errors import ConnectError
from livekit.options import RoomOptions
from tests.engine.recording_listener import RecordingListener

LISTENER = RecordingListener("ws://127.0.0.1:7880", "token")


@pytest.mark.parametrize("url", ["ws://h:1", "wss://h", "HTTP://h", " https://h"])
def test_web_urls_create_rtc_engines(url: str) -> None:
    assert isinstance(create_engine(url, "token", RoomOptions(), LISTENER), RtcEngine)


@pytest.mark.parametrize("url", ["", "h:7880", "ftp://h", "ws://", "ws"])
def test_other_urls_raise_connect_error(url: str) -> None:
    with pytest.raises(ConnectError, match="URL"):
        create_engine(url, "token", RoomOptions(), LISTENER)


def test_registered_scheme_uses_its_factory() -> None:
    made: list[str] = []

    def factory(url: str, token: str, options: RoomOptions, listener: EngineListener) -> Engine:
        made.append(url)
        return RtcEngine("ws://h", token, options, listener)

    register_scheme("test-scheme", factory)
    create_engine("test-scheme:room", "token", RoomOptions(), LISTENER)
    assert made == ["test-scheme:room"]


@pytest.mark.parametrize(
    ("url", "token", "message"),
    [
        ("ws://127.0.0.1:1", None, "token must be a str, not NoneType"),
        (None, "token", "URL must be a str, not NoneType"),
        ("eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl", "ws://127.0.0.1:1", "in this order"),
        ("gopher://127.0.0.1", "token", "must be one of ws, wss, http, https"),
    ],
)
async def test_invalid_arguments_raise_connect_error_without_the_token(url: Any, token: Any, message: str) -> None:
    with pytest.raises(ConnectError, match=message) as caught:
        await Room().connect(url, token)
    assert "c2lnbmF0dXJl" not in str(caught.value), "a token is never repeated"
