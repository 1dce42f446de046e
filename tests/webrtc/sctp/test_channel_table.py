from __future__ import annotations

import logging

import pytest

from livekit.testing.netem import LinkOptions
from livekit.webrtc import ChannelError
from livekit.webrtc.sctp import ChannelState
from livekit.webrtc.sctp.constants import (
    DEFAULT_PEER_MAX_MESSAGE_SIZE,
    MAX_CHANNELS,
    MAX_MESSAGE_SIZE,
    MAX_SEND_BUFFER,
)
from tests.webrtc.sctp.ends import Pair


@pytest.fixture
def pair() -> Pair:
    return Pair().establish()


def test_parameters_reach_the_other_side(pair: Pair) -> None:
    _, reliable = pair.open("_reliable")
    _, lossy = pair.open("_lossy", ordered=False, max_retransmits=0)
    _, timed = pair.open("timed", lifetime_ms=500)
    assert (reliable.label, reliable.parameters.ordered, reliable.parameters.max_retransmits) == (
        "_reliable",
        True,
        None,
    )
    assert (lossy.label, lossy.parameters.ordered, lossy.parameters.max_retransmits) == ("_lossy", False, 0)
    assert timed.parameters.lifetime_ms == 500


def test_stream_ids_follow_the_role(pair: Pair) -> None:
    assert [pair.client.association.open_channel(label).stream_id for label in "ab"] == [0, 2]
    assert [pair.server.association.open_channel(label).stream_id for label in "cd"] == [1, 3]


def test_channel_opened_before_the_association() -> None:
    pair = Pair(connect=False)
    channel = pair.client.association.open_channel("early")
    opened: list[bool] = []
    channel.on_open = lambda: opened.append(channel.is_open)
    assert channel.stream_id is None
    with pytest.raises(ChannelError, match="connecting"):
        channel.send(b"too early")
    pair.connect()
    pair.run(lambda: bool(opened))
    assert opened == [True]


@pytest.mark.parametrize("size", [0, 1, 3, 1159, 1160, 1161, 65_536, MAX_MESSAGE_SIZE])
def test_sizes(pair: Pair, size: int) -> None:
    pair.client.association.max_message_size = MAX_MESSAGE_SIZE
    channel, _ = pair.open()
    message = pair.random.randbytes(size)
    channel.send(message)
    channel.send(message, text=True)
    pair.run(lambda: len(pair.server.messages["x"]) == 2)
    assert pair.server.messages["x"] == [message, message]


def test_the_peers_limit(pair: Pair) -> None:
    channel, _ = pair.open()
    with pytest.raises(ChannelError, match="limit"):
        channel.send(bytes(DEFAULT_PEER_MAX_MESSAGE_SIZE + 1))
    channel.send(b"still usable")
    pair.run(lambda: pair.server.messages["x"] == [b"still usable"])


def test_send_buffer_is_bounded(pair: Pair) -> None:
    channel, _ = pair.open()
    pair.client.association.max_message_size = MAX_SEND_BUFFER
    channel.send(bytes(MAX_SEND_BUFFER))
    with pytest.raises(ChannelError, match="wait"):
        channel.send(b"x")


def test_buffered_amount(pair: Pair) -> None:
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


def test_a_long_queue_does_not_hold_up_another_channel(pair: Pair) -> None:
    bulk, _ = pair.open("bulk")
    rpc, _ = pair.open("rpc")
    for _ in range(200):
        bulk.send(bytes(50_000))
    rpc.send(b"urgent")
    pair.run(lambda: pair.server.messages["rpc"] == [b"urgent"])
    assert len(pair.server.messages["bulk"]) <= 2


def test_close_from_either_side_frees_the_stream(pair: Pair) -> None:
    for closes_first in range(2):
        near, far = pair.open("x")
        assert near.stream_id == 0
        near.send(b"last words")
        (near, far)[closes_first].close()
        (near, far)[closes_first].close()
        with pytest.raises(ChannelError, match="closing"):
            (near, far)[closes_first].send(b"x")
        pair.run(lambda: near.state is far.state is ChannelState.CLOSED)  # noqa: B023
    assert pair.client.closed_channels == pair.server.closed_channels == ["x", "x"]
    assert pair.server.messages["x"][0] == b"last words"


@pytest.mark.parametrize("seed", range(30))
def test_close_and_reopen_on_a_bad_link(seed: int) -> None:
    pair = Pair(seed, LinkOptions(delay=0.02, loss=0.15, jitter=0.03, duplicate=0.1)).establish()
    for _ in range(3):
        near, far = pair.open("x")
        assert near.stream_id == 0
        messages = [pair.random.randbytes(pair.random.randrange(4000)) for _ in range(5)]
        pair.server.messages["x"].clear()
        for message in messages:
            near.send(message)
        near.close()
        pair.run(lambda: near.state is far.state is ChannelState.CLOSED)  # noqa: B023
        assert pair.server.messages["x"] == messages


def test_close_while_connecting() -> None:
    pair = Pair(connect=False)
    channel = pair.client.watch(pair.client.association.open_channel("x"))
    channel.close()
    assert channel.state is ChannelState.CLOSED
    assert pair.client.closed_channels == ["x"]


def test_an_exception_in_a_callback_is_logged_and_stops_nothing(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    channel, far = pair.open()

    def fail(_: bytes) -> None:
        raise RuntimeError("mistake of the application")

    far.on_message = fail
    confirmed: list[int] = []
    with caplog.at_level(logging.ERROR):
        channel.send(b"1", lambda: confirmed.append(1 // 0))
        channel.send(b"2", lambda: confirmed.append(2))
        pair.run(lambda: confirmed == [2])
    assert "mistake of the application" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_number_of_channels_is_bounded(pair: Pair) -> None:
    channels = [pair.client.association.open_channel(str(index)) for index in range(MAX_CHANNELS)]
    pair.run(lambda: len(pair.server.channels) == MAX_CHANNELS)
    more = pair.client.association.open_channel("more")
    assert more.state is ChannelState.CLOSED
    assert pair.server.association.open_channel("more").state is ChannelState.CLOSED
    assert all(channel.is_open for channel in channels)


def test_lossy_channel_gives_up_and_goes_on() -> None:
    pair = Pair(3, LinkOptions(delay=0.02)).establish()
    channel, _ = pair.open("lossy", ordered=False, max_retransmits=0)
    pair.settle(1.0)
    pair.network.a_to_b.options = LinkOptions(delay=0.02, loss=0.3)
    for index in range(300):
        channel.send(index.to_bytes(2, "big") * 300)
        pair.settle(0.005)
    pair.network.a_to_b.options = LinkOptions(delay=0.02)
    channel.send(b"end")
    pair.run(lambda: b"end" in pair.server.messages["lossy"])
    received = pair.server.messages["lossy"]
    assert 150 < len(received) < 280
    assert len(set(received)) == len(received)
    transfer = pair.client.association.tcb.transfer
    assert transfer is not None
    pair.run(lambda: transfer.sender.is_idle)
    assert transfer.sender.retransmissions == 0
