from __future__ import annotations

import pytest

from livekit.engine.join_buffer import JoinBuffer
from livekit.protocol import rtc


def test_held_messages_are_delivered_first_and_in_order() -> None:
    delivered: list[str] = []
    buffer = JoinBuffer(
        lambda message: delivered.append(message.refresh_token), lambda data: delivered.append(data.decode())
    )
    buffer.receive_signal(rtc.SignalResponse(refresh_token="1"))
    buffer.receive_data(b"2")
    assert delivered == []
    buffer.release()
    buffer.receive_data(b"3")
    buffer.receive_signal(rtc.SignalResponse(refresh_token="4"))
    assert delivered == ["1", "2", "3", "4"]


def test_raising_listener_does_not_stop_delivery(caplog: pytest.LogCaptureFixture) -> None:
    delivered: list[bytes] = []

    def receive(data: bytes) -> None:
        if data == b"bad":
            raise RuntimeError("a mistake of the application")
        delivered.append(data)

    buffer = JoinBuffer(lambda _: None, receive)
    for data in (b"bad", b"good"):
        buffer.receive_data(data)
    buffer.release()
    assert delivered == [b"good"]
    assert "a mistake of the application" in caplog.text
