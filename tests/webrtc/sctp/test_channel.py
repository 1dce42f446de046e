from __future__ import annotations

import logging

import pytest

from livekit.webrtc import ChannelError
from livekit.webrtc.sctp import ChannelState
from livekit.webrtc.sctp.constants import (
    DEFAULT_PEER_MAX_MESSAGE_SIZE,
    INITIAL_WINDOW_PACKETS,
    MAX_MESSAGE_SIZE,
    MAX_PACKET_SIZE,
    MAX_SEND_BUFFER,
)
from tests.webrtc.sctp.ends import Pair


@pytest.fixture
def pair() -> Pair:
    return Pair().establish()


def test_life_cycle() -> None:
    """W3C WebRTC 1.0, RTCDataChannelState; the stream id is known once the handshake has finished."""
    pair = Pair(connect=False)
    channel = pair.client.association.open_channel("x")
    assert (channel.state, channel.stream_id, channel.is_open) == (ChannelState.CONNECTING, None, False)
    with pytest.raises(ChannelError, match="connecting"):
        channel.send(b"too early")
    pair.connect()
    pair.run(lambda: channel.is_open)
    assert (channel.state, channel.stream_id) == (ChannelState.OPEN, 0)
    channel.close()
    channel.close()
    assert channel.state is ChannelState.CLOSING
    with pytest.raises(ChannelError, match="closing"):
        channel.send(b"too late")
    pair.run(lambda: channel.state is ChannelState.CLOSED)


def test_attributes(pair: Pair) -> None:
    channel, _ = pair.open("label")
    assert channel.label == "label"
    assert channel.send_window >= INITIAL_WINDOW_PACKETS * MAX_PACKET_SIZE
    channel.buffered_amount_low_threshold = 100
    assert channel.buffered_amount_low_threshold == 100


def test_lifetime_and_order_reach_the_send_queue(pair: Pair) -> None:
    """RFC 8832 section 6: messages are ordered until the DATA_CHANNEL_ACK has arrived."""
    channel = pair.client.association.open_channel("x", ordered=False, lifetime_ms=1500)
    pair.client.association.datagrams_to_send(pair.now)
    channel.send(b"before the ACK")
    assert [(m.ordered, m.lifetime) for m in channel.stream.messages] == [(True, 1.5)]
    pair.run(lambda: channel.acked)
    channel.send(b"after the ACK")
    assert [(m.ordered, m.lifetime) for m in channel.stream.messages] == [(False, 1.5)]


@pytest.mark.parametrize("size", [0, 1, 3, 1159, 1160, 1161, 65_536, MAX_MESSAGE_SIZE])
def test_messages_of_any_size(pair: Pair, size: int) -> None:
    pair.client.association.max_message_size = MAX_MESSAGE_SIZE
    channel, _ = pair.open()
    message = pair.random.randbytes(size)
    channel.send(message)
    channel.send(message, text=True)
    pair.run(lambda: len(pair.server.messages["x"]) == 2)
    assert pair.server.messages["x"] == [message, message]


def test_message_over_the_peers_limit(pair: Pair) -> None:
    channel, _ = pair.open()
    with pytest.raises(ChannelError, match="limit"):
        channel.send(bytes(DEFAULT_PEER_MAX_MESSAGE_SIZE + 1))
    channel.send(b"still usable")
    pair.run(lambda: pair.server.messages["x"] == [b"still usable"])


def test_send_buffer_is_bounded(pair: Pair) -> None:
    channel, _ = pair.open()
    pair.client.association.max_message_size = MAX_SEND_BUFFER
    channel.send(bytes(MAX_SEND_BUFFER))
    with pytest.raises(ChannelError, match="full: wait"):
        channel.send(b"x")


def test_buffered_amount_and_its_low_threshold(pair: Pair) -> None:
    channel, _ = pair.open()
    channel.buffered_amount_low_threshold = 20_000
    low: list[int] = []
    channel.on_buffered_amount_low = lambda: low.append(channel.buffered_amount)
    for _ in range(10):
        channel.send(bytes(10_000))
    assert channel.buffered_amount == 100_000
    pair.run(lambda: len(pair.server.messages["x"]) == 10)
    assert len(low) == 1
    assert low[0] <= 20_000
    assert channel.buffered_amount == 0


def test_exception_in_a_callback_is_logged_and_does_not_stop_the_association(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    channel, far = pair.open()

    def fail(_: bytes) -> None:
        raise RuntimeError("bug of the application")

    far.on_message = fail
    confirmed: list[int] = []
    with caplog.at_level(logging.ERROR):
        channel.send(b"1", lambda: confirmed.append(1 // 0))
        channel.send(b"2", lambda: confirmed.append(2))
        pair.run(lambda: confirmed == [2])
    assert "bug of the application" in caplog.text
    assert "ZeroDivisionError" in caplog.text
