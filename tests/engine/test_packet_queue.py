from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.engine.packet_queue import HIGH_WATER, MAX_QUEUED, SINGLES_QUANTUM, PacketQueue
from livekit.errors import OutboxFullError
from livekit.protocol import models
from tests.engine.fake_channel import FakeChannel

CHUNK = 15_000
MAX_BULK_AHEAD = 64 * 1024


def payload(packet: models.DataPacket) -> bytes:
    return packet.user.payload


def packets(name: bytes, count: int, size: int = CHUNK) -> Iterator[models.DataPacket]:
    return (models.DataPacket(user=models.UserPacket(payload=name.ljust(size, b"."))) for _ in range(count))


def plain(data: bytes, on_delivered: Callable[[], None] | None) -> tuple[bytes, Callable[[], None] | None]:
    return data, on_delivered


def make_queue(undo_prepare: Callable[[], None] = lambda: None) -> PacketQueue:
    return PacketQueue(payload, plain, undo_prepare)


def names(channel: FakeChannel) -> list[bytes]:
    return [data.rstrip(b".") for data in channel.sent]


def test_packet_is_sent_immediately_on_an_idle_channel() -> None:
    queue, channel = make_queue(), FakeChannel()
    queue.attach(channel)
    queue.send(b"one")
    assert channel.sent == [b"one"]


def test_packets_are_queued_in_order_without_a_channel() -> None:
    queue, channel = make_queue(), FakeChannel()
    for number in range(5):
        queue.send(b"%d" % number)
    queue.attach(channel)
    assert channel.sent == [b"0", b"1", b"2", b"3", b"4"]
    assert queue.queued_bytes == 0


def test_stream_is_read_at_the_pace_of_the_channel() -> None:
    queue, channel = make_queue(), FakeChannel()
    queue.attach(channel)
    source = packets(b"a", 100)
    queue.send_stream(source, None)
    assert channel.buffered_amount < HIGH_WATER + CHUNK
    sent = len(channel.sent)
    assert len(list(source)) >= 100 - sent - 1, "at most one packet is read ahead"


def test_single_packet_waits_behind_at_most_64_kib_of_a_stream() -> None:
    queue, channel = make_queue(), FakeChannel()
    queue.attach(channel)
    queue.send_stream(packets(b"bulk", 1000), None)
    channel.drain()
    queue.send(b"urgent")
    before = sum(map(len, channel.sent))
    while b"urgent" not in channel.sent:
        channel.drain()
    waited = sum(map(len, channel.sent[: channel.sent.index(b"urgent")])) - before + HIGH_WATER
    assert waited <= MAX_BULK_AHEAD


def test_channel_buffer_is_limited_to_the_send_window() -> None:
    queue, channel = make_queue(), FakeChannel()
    channel.send_window = 5_000
    queue.attach(channel)
    queue.send_stream(packets(b"bulk", 10), None)
    assert channel.buffered_amount == CHUNK
    queue.send(b"urgent")
    channel.drain()
    assert names(channel) == [b"bulk", b"urgent", b"bulk"]


def test_sending_continues_after_the_send_window_shrank() -> None:
    queue, channel = make_queue(), FakeChannel()
    queue.attach(channel)
    queue.send(b"1" * 10_000)
    channel.send_window = 5_000
    queue.send(b"2")
    assert queue.queued_bytes
    channel.drain()
    assert channel.sent[-1] == b"2"


def test_sending_continues_after_the_send_window_grew() -> None:
    queue, channel = make_queue(), FakeChannel()
    channel.send_window = 5_000
    queue.attach(channel)
    queue.send(b"1" * 5_000)
    queue.send(b"2")
    assert queue.queued_bytes
    channel.send_window = 50_000
    queue.send(b"3")
    assert channel.sent[1:] == [b"2", b"3"]


def test_streams_are_served_round_robin() -> None:
    queue, channel = make_queue(), FakeChannel()
    queue.send_stream(packets(b"a", 3), None)
    queue.send_stream(packets(b"b", 3), None)
    queue.attach(channel)
    channel.drain()
    channel.drain()
    assert names(channel) == [b"a", b"b"] * 3


def test_single_packets_do_not_starve_a_stream() -> None:
    queue, channel = make_queue(), FakeChannel()
    queue.send_stream(packets(b"bulk", 3), None)
    for _ in range(200):
        queue.send(b"s" * 1000)
    queue.attach(channel)
    while queue.queued_bytes:
        channel.drain()
    order = names(channel)
    assert order.count(b"bulk") >= 2
    first = order.index(b"bulk")
    assert first * 1000 <= SINGLES_QUANTUM + 1000


def test_stream_is_delivered_with_its_last_packet() -> None:
    queue, channel = make_queue(), FakeChannel()
    queue.attach(channel)
    delivered: list[bool] = []
    queue.send_stream(packets(b"a", 2), lambda: delivered.append(True))
    assert not delivered
    channel.acknowledge()
    assert delivered == [True]


def test_cancelled_stream_stops_without_callbacks() -> None:
    queue, channel = make_queue(), FakeChannel()
    queue.attach(channel)
    delivered: list[bool] = []
    stream = queue.send_stream(packets(b"a", 100), lambda: delivered.append(True))
    sent = len(channel.sent)
    stream.cancel()
    channel.drain()
    channel.acknowledge()
    assert len(channel.sent) == sent
    assert not delivered


def test_raising_stream_does_not_affect_other_streams(caplog: pytest.LogCaptureFixture) -> None:
    def failing() -> Iterator[models.DataPacket]:
        yield from packets(b"a", 1)
        raise RuntimeError("no more")

    queue, channel = make_queue(), FakeChannel()
    queue.send_stream(failing(), None)
    queue.send_stream(packets(b"b", 2), None)
    queue.attach(channel)
    assert names(channel) == [b"a", b"b", b"b"]
    assert "ends here" in caplog.text


def test_packets_rejected_by_a_closed_channel_are_sent_on_the_next() -> None:
    undone: list[bool] = []
    queue, broken, channel = make_queue(lambda: undone.append(True)), FakeChannel(), FakeChannel()
    queue.attach(broken)
    broken.is_open = False
    queue.send(b"one")
    queue.send(b"two")
    queue.send_stream(packets(b"bulk", 1), None)
    queue.detach()
    queue.attach(channel)
    assert names(channel) == [b"one", b"two", b"bulk"]
    assert undone


def test_packet_over_the_channels_limit_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    queue, channel = make_queue(), FakeChannel(max_size=10)
    queue.attach(channel)
    queue.send(b"x" * 11)
    queue.send(b"y")
    assert channel.sent == [b"y"]
    assert "dropped" in caplog.text


def test_queued_packet_can_be_withdrawn() -> None:
    queue, channel = make_queue(), FakeChannel()
    callbacks: list[str] = []
    handles = [
        queue.send(name, lambda: callbacks.append("delivered"), lambda error: callbacks.append("sent"))
        for name in (b"first", b"second", b"third")
    ]
    first, second, third = (handle for handle in handles if handle is not None)
    assert second.withdraw()
    assert not second.withdraw(), "no longer queued"
    assert queue.queued_bytes == len(b"first") + len(b"third")
    queue.attach(channel)
    assert channel.sent == [b"first", b"third"]
    assert callbacks == ["sent", "sent"]
    assert not first.withdraw()
    assert not third.withdraw()
    assert queue.queued_bytes == 0


def test_packet_sent_immediately_has_no_handle() -> None:
    queue, channel = make_queue(), FakeChannel()
    queue.attach(channel)
    assert queue.send(b"one") is None


def test_queue_is_bounded() -> None:
    queue = make_queue()
    megabyte = b"x" * 2**20
    for _ in range(MAX_QUEUED // 2**20):
        queue.send(megabyte)
    with pytest.raises(OutboxFullError):
        queue.send(b"x")
    assert queue.queued_bytes == MAX_QUEUED
    queue.clear()
    assert queue.queued_bytes == 0


@given(st.lists(st.sampled_from(["single", "stream", "drain", "lose"]), max_size=60))
def test_nothing_is_lost_duplicated_or_reordered(steps: list[str]) -> None:
    queue, channel = make_queue(), FakeChannel()
    queue.attach(channel)
    arrived: list[bytes] = []
    singles = streams = 0
    for step in steps:
        if step == "single":
            queue.send(b"s%d" % singles)
            singles += 1
        elif step == "stream":
            queue.send_stream(packets(b"t%d" % streams, 4), None)
            streams += 1
        elif step == "drain":
            channel.drain()
        else:
            arrived += names(channel)
            queue.detach()
            channel = FakeChannel()
            queue.attach(channel)
    for _ in range(4 * streams + 1):
        channel.drain()
    arrived += names(channel)
    assert [name for name in arrived if name.startswith(b"s")] == [b"s%d" % number for number in range(singles)]
    assert all(arrived.count(b"t%d" % number) == 4 for number in range(streams))
