from __future__ import annotations

import pytest

from livekit.engine.join_buffer import JoinBuffer
from livekit.protocol import rtc


def test_what_came_before_is_let_in_first_and_in_order() -> None:
    seen: list[str] = []
    intake = JoinBuffer(lambda message: seen.append(message.refresh_token), lambda data: seen.append(data.decode()))
    intake.signal(rtc.SignalResponse(refresh_token="1"))
    intake.receive(b"2")
    assert seen == []
    intake.open()
    intake.receive(b"3")
    intake.signal(rtc.SignalResponse(refresh_token="4"))
    assert seen == ["1", "2", "3", "4"]


def test_one_that_cannot_be_handled_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[bytes] = []

    def receive(data: bytes) -> None:
        if data == b"bad":
            raise RuntimeError("a mistake of the application")
        seen.append(data)

    intake = JoinBuffer(lambda _: None, receive)
    for data in (b"bad", b"good"):
        intake.receive(data)
    intake.open()
    assert seen == [b"good"]
    assert "a mistake of the application" in caplog.text
