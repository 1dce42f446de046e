from __future__ import annotations

import pytest

from livekit.errors import ConnectError
from livekit.options import RoomOptions
from livekit.session import Session, SessionListener, open_session, register_scheme
from livekit.session.webrtc_session import WebRtcSession
from tests.session.members import Member

LISTENER = Member("ws://127.0.0.1:7880", "token")


@pytest.mark.parametrize("url", ["ws://h:1", "wss://h", "HTTP://h", " https://h"])
def test_web_urls_make_webrtc_sessions(url: str) -> None:
    assert isinstance(open_session(url, "token", RoomOptions(), LISTENER), WebRtcSession)


@pytest.mark.parametrize("url", ["", "h:7880", "ftp://h", "ws://", "ws"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ConnectError, match="URL"):
        open_session(url, "token", RoomOptions(), LISTENER)


def test_a_scheme_can_be_registered() -> None:
    made: list[str] = []

    def factory(url: str, token: str, options: RoomOptions, listener: SessionListener) -> Session:
        made.append(url)
        return WebRtcSession("ws://h", token, options, listener)

    register_scheme("test-scheme", factory)
    open_session("test-scheme:room", "token", RoomOptions(), LISTENER)
    assert made == ["test-scheme:room"]
