from __future__ import annotations

import logging

import pytest

from livekit._util.callbacks import ignore
from livekit.testing.netem import LinkOptions
from livekit.webrtc import ChannelError
from livekit.webrtc.sctp import ChannelState, dcep
from livekit.webrtc.sctp.channel_table import ChannelTable
from livekit.webrtc.sctp.congestion import CongestionControl
from livekit.webrtc.sctp.constants import (
    MAX_CHANNELS,
    Ppid,
)
from livekit.webrtc.sctp.data_receiver import DataReceiver
from livekit.webrtc.sctp.data_sender import DataSender
from livekit.webrtc.sctp.reconfig import StreamReset
from livekit.webrtc.sctp.rto import RetransmissionTimeout
from livekit.webrtc.sctp.send_queue import Message, OutboundStream, SendQueue
from tests.webrtc.sctp.ends import Pair


@pytest.fixture
def pair() -> Pair:
    return Pair().establish()


def test_open_carries_the_channel_parameters(pair: Pair) -> None:
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


def test_dtls_role_determines_the_parity_of_stream_ids(pair: Pair) -> None:
    assert [pair.client.association.open_channel(label).stream_id for label in "ab"] == [0, 2]
    assert [pair.server.association.open_channel(label).stream_id for label in "cd"] == [1, 3]


def test_channel_opened_before_the_handshake_opens_with_it() -> None:
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


def test_long_queue_does_not_block_another_channel(pair: Pair) -> None:
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
        near.send(b"last message")
        (near, far)[closes_first].close()
        (near, far)[closes_first].close()
        with pytest.raises(ChannelError, match="closing"):
            (near, far)[closes_first].send(b"x")
        pair.run(lambda: near.state is far.state is ChannelState.CLOSED)  # noqa: B023
    assert pair.client.closed_channels == pair.server.closed_channels == ["x", "x"]
    assert pair.server.messages["x"][0] == b"last message"


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


def test_close_before_the_handshake() -> None:
    pair = Pair(connect=False)
    channel = pair.client.watch(pair.client.association.open_channel("x"))
    channel.close()
    assert channel.state is ChannelState.CLOSED
    assert pair.client.closed_channels == ["x"]


def test_number_of_channels_is_bounded(pair: Pair) -> None:
    channels = [pair.client.association.open_channel(str(index)) for index in range(MAX_CHANNELS)]
    pair.run(lambda: len(pair.server.channels) == MAX_CHANNELS)
    more = pair.client.association.open_channel("more")
    assert more.state is ChannelState.CLOSED
    assert pair.server.association.open_channel("more").state is ChannelState.CLOSED
    assert all(channel.is_open for channel in channels)


def test_lossy_channel_abandons_messages_and_continues() -> None:
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


def test_malformed_dcep_message_is_ignored(pair: Pair) -> None:
    channel, _ = pair.open()
    for data in (b"", b"\x01", b"\x03\0"):
        push(pair, channel.stream, Ppid.DCEP, data or b"\0")
    channel.send(b"still open")
    pair.run(lambda: pair.server.messages["x"] == [b"still open"])
    assert len(pair.server.channels) == 1


def test_messages_on_a_stream_without_a_channel_are_dropped(pair: Pair) -> None:
    """Neither a user message nor a DATA_CHANNEL_ACK opens a channel."""
    stream = OutboundStream(8)
    for ppid, data in ((Ppid.BINARY, b"lost"), (Ppid.BINARY_EMPTY, b"\0"), (Ppid.DCEP, dcep.ACK), (99, b"unknown")):
        push(pair, stream, ppid, data)
    pair.settle(1.0)
    assert pair.server.channels == []


@pytest.mark.parametrize(
    "stream_id", [1, 0xFFFF], ids=["a stream id of the server's parity", "beyond the negotiated streams"]
)
def test_channel_on_an_invalid_stream_is_reset(pair: Pair, stream_id: int) -> None:
    """RFC 8832 section 6: the DTLS client opens even streams. The refusal is a reset (RFC 8831 section 6.7)."""
    resets: list[int] = []
    transfer = pair.client.association.tcb.transfer
    assert transfer is not None
    transfer.reset.on_incoming_reset = resets.extend
    push(pair, OutboundStream(stream_id), Ppid.DCEP, dcep.Open(label="refused").encode())
    pair.run(lambda: bool(resets), limit=5.0)
    assert resets == [stream_id]
    assert pair.server.channels == []


def test_second_open_on_a_stream_is_ignored(pair: Pair) -> None:
    channel, far = pair.open()
    push(pair, channel.stream, Ppid.DCEP, dcep.Open(label="again").encode())
    pair.settle(1.0)
    assert pair.server.channels == [far]
    assert far.label == "x"


def test_reset_of_all_streams_closes_every_channel(pair: Pair) -> None:
    """RFC 6525 section 4.1: a request that lists no stream means all of them."""
    channels = [pair.open(label)[0] for label in "ab"]
    transfer = pair.client.association.tcb.transfer
    assert transfer is not None
    transfer.reset.on_incoming_reset(())
    pair.run(lambda: all(channel.state is ChannelState.CLOSED for channel in channels))
    assert sorted(pair.client.closed_channels) == ["a", "b"]


def test_refused_reset_closes_the_channel_locally(pair: Pair) -> None:
    channel, _ = pair.open()
    channel.close()
    transfer = pair.client.association.tcb.transfer
    assert transfer is not None
    assert channel.stream_id is not None
    transfer.reset.on_outgoing_reset([channel.stream_id, 99], False)
    assert pair.client.closed_channels == ["x"]


def test_without_stream_reset_of_the_peer_close_is_immediate() -> None:
    """RFC 6525 is optional: queued messages are sent, but the peer is not notified."""
    queue, congestion = SendQueue(), CongestionControl()
    table = ChannelTable(queue, congestion, ignore)
    rto = RetransmissionTimeout()
    sender = DataSender(1, rto, congestion, queue)
    table.start(10, StreamReset(DataReceiver(1, table.deliver), sender, rto, 1), can_reset=False)
    channel = table.open(dcep.Open(label="x"))
    table.prepare_flush()
    channel.send(b"queued")
    closed: list[bool] = []
    channel.on_close = lambda: closed.append(True)
    channel.close()
    assert closed == [True]
    assert channel.stream.buffered > 0


def test_end_of_the_association_closes_all_channels(pair: Pair) -> None:
    channel, far = pair.open()
    channel.send(bytes(60_000))
    opening = pair.client.association.open_channel("opening")
    pair.client.association.abort()
    assert channel.state is opening.state is ChannelState.CLOSED
    assert channel.buffered_amount == 0
    pair.run(lambda: far.state is ChannelState.CLOSED)


def test_empty_message_is_delivered(pair: Pair) -> None:
    """RFC 8831 section 6.6: SCTP cannot send empty messages, so a PPID stands for them."""
    channel, _ = pair.open()
    channel.send(b"")
    channel.send(b"", text=True)
    pair.run(lambda: pair.server.messages["x"] == [b"", b""])


def test_exception_in_on_message_is_logged(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    channel, far = pair.open()
    received: list[bytes] = []

    def on_message(data: bytes) -> None:
        received.append(data)
        raise RuntimeError("bug of the application")

    far.on_message = on_message
    with caplog.at_level(logging.ERROR):
        channel.send(b"1")
        channel.send(b"2")
        pair.run(lambda: received == [b"1", b"2"])
    assert "bug of the application" in caplog.text
    assert "on_message of channel 'x' failed" in caplog.text


def push(pair: Pair, stream: OutboundStream, ppid: int, data: bytes) -> None:
    """Send a message of the client below its channels."""
    pair.client.association._send_queue.push(Message(stream, ppid, data))
