from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.engine.packet_queue import HIGH_WATER, MAX_QUEUED, SINGLES_TURN, OutboxFullError, PacketQueue
from livekit.protocol import models
from tests.engine.fake_channel import WireChannel

CHUNK = 15_000
BULK_BEFORE_A_SINGLE = 64 * 1024


def payload(packet: models.DataPacket) -> bytes:
    return packet.user.payload


def packets(name: bytes, count: int, size: int = CHUNK) -> Iterator[models.DataPacket]:
    return (models.DataPacket(user=models.UserPacket(payload=name.ljust(size, b"."))) for _ in range(count))


def plain(data: bytes, on_delivered: Callable[[], None] | None) -> tuple[bytes, Callable[[], None] | None]:
    return data, on_delivered


def make_outbox(unframe: Callable[[], None] = lambda: None) -> PacketQueue:
    return PacketQueue(payload, plain, unframe)


def names(channel: WireChannel) -> list[bytes]:
    return [data.rstrip(b".") for data in channel.sent]


def test_a_packet_goes_straight_to_an_idle_channel() -> None:
    outbox, channel = make_outbox(), WireChannel()
    outbox.attach(channel)
    outbox.send(b"one")
    assert channel.sent == [b"one"]


def test_packets_wait_for_a_channel_and_keep_their_order() -> None:
    outbox, channel = make_outbox(), WireChannel()
    for number in range(5):
        outbox.send(b"%d" % number)
    outbox.attach(channel)
    assert channel.sent == [b"0", b"1", b"2", b"3", b"4"]
    assert outbox.queued == 0


def test_a_long_stream_is_read_at_the_pace_of_the_channel() -> None:
    outbox, channel = make_outbox(), WireChannel()
    outbox.attach(channel)
    source = packets(b"a", 100)
    outbox.send_stream(source, None)
    assert channel.buffered_amount < HIGH_WATER + CHUNK
    sent = len(channel.sent)
    assert len(list(source)) >= 100 - sent - 1, "at most one packet is read ahead"


def test_a_single_packet_waits_behind_little_bulk() -> None:
    outbox, channel = make_outbox(), WireChannel()
    outbox.attach(channel)
    outbox.send_stream(packets(b"bulk", 1000), None)
    channel.drain()
    outbox.send(b"urgent")
    before = sum(map(len, channel.sent))
    while b"urgent" not in channel.sent:
        channel.drain()
    waited = sum(map(len, channel.sent[: channel.sent.index(b"urgent")])) - before + HIGH_WATER
    assert waited <= BULK_BEFORE_A_SINGLE


def test_a_slow_path_has_no_more_waiting_than_it_takes_at_a_time() -> None:
    outbox, channel = make_outbox(), WireChannel()
    channel.send_window = 5_000
    outbox.attach(channel)
    outbox.send_stream(packets(b"bulk", 10), None)
    assert channel.buffered_amount == CHUNK
    outbox.send(b"urgent")
    channel.drain()
    assert names(channel) == [b"bulk", b"urgent", b"bulk"]


def test_packets_go_on_when_the_window_shrank_while_they_waited() -> None:
    outbox, channel = make_outbox(), WireChannel()
    outbox.attach(channel)
    outbox.send(b"1" * 10_000)
    channel.send_window = 5_000
    outbox.send(b"2")
    assert outbox.queued
    channel.drain()
    assert channel.sent[-1] == b"2"


def test_packets_go_on_when_the_window_grew_while_they_waited() -> None:
    outbox, channel = make_outbox(), WireChannel()
    channel.send_window = 5_000
    outbox.attach(channel)
    outbox.send(b"1" * 5_000)
    outbox.send(b"2")
    assert outbox.queued
    channel.send_window = 50_000
    outbox.send(b"3")
    assert channel.sent[1:] == [b"2", b"3"]


def test_streams_take_turns() -> None:
    outbox, channel = make_outbox(), WireChannel()
    outbox.send_stream(packets(b"a", 3), None)
    outbox.send_stream(packets(b"b", 3), None)
    outbox.attach(channel)
    channel.drain()
    channel.drain()
    assert names(channel) == [b"a", b"b"] * 3


def test_a_flood_of_single_packets_does_not_starve_a_stream() -> None:
    outbox, channel = make_outbox(), WireChannel()
    outbox.send_stream(packets(b"bulk", 3), None)
    for _ in range(200):
        outbox.send(b"s" * 1000)
    outbox.attach(channel)
    while outbox.queued:
        channel.drain()
    order = names(channel)
    assert order.count(b"bulk") >= 2
    first = order.index(b"bulk")
    assert first * 1000 <= SINGLES_TURN + 1000


def test_delivery_of_a_stream_is_that_of_its_last_packet() -> None:
    outbox, channel = make_outbox(), WireChannel()
    outbox.attach(channel)
    delivered: list[bool] = []
    outbox.send_stream(packets(b"a", 2), lambda: delivered.append(True))
    assert not delivered
    channel.confirm()
    assert delivered == [True]


def test_a_cancelled_stream_sends_no_more_and_reports_nothing() -> None:
    outbox, channel = make_outbox(), WireChannel()
    outbox.attach(channel)
    delivered: list[bool] = []
    stream = outbox.send_stream(packets(b"a", 100), lambda: delivered.append(True))
    sent = len(channel.sent)
    stream.cancel()
    channel.drain()
    channel.confirm()
    assert len(channel.sent) == sent
    assert not delivered


def test_a_stream_whose_source_fails_ends_alone(caplog: pytest.LogCaptureFixture) -> None:
    def failing() -> Iterator[models.DataPacket]:
        yield from packets(b"a", 1)
        raise RuntimeError("no more")

    outbox, channel = make_outbox(), WireChannel()
    outbox.send_stream(failing(), None)
    outbox.send_stream(packets(b"b", 2), None)
    outbox.attach(channel)
    assert names(channel) == [b"a", b"b", b"b"]
    assert "ends here" in caplog.text


def test_what_a_closed_channel_did_not_take_goes_over_the_next_one() -> None:
    taken_back: list[bool] = []
    outbox, broken, channel = make_outbox(lambda: taken_back.append(True)), WireChannel(), WireChannel()
    outbox.attach(broken)
    broken.is_open = False
    outbox.send(b"one")
    outbox.send(b"two")
    outbox.send_stream(packets(b"bulk", 1), None)
    outbox.detach()
    outbox.attach(channel)
    assert names(channel) == [b"one", b"two", b"bulk"]
    assert taken_back


def test_a_packet_over_the_channels_limit_is_dropped_not_retried(caplog: pytest.LogCaptureFixture) -> None:
    outbox, channel = make_outbox(), WireChannel(max_size=10)
    outbox.attach(channel)
    outbox.send(b"x" * 11)
    outbox.send(b"y")
    assert channel.sent == [b"y"]
    assert "dropped" in caplog.text


def test_what_waits_can_be_taken_back() -> None:
    outbox, channel = make_outbox(), WireChannel()
    told: list[str] = []
    handles = [
        outbox.send(name, lambda: told.append("delivered"), lambda error: told.append("sent"))
        for name in (b"first", b"second", b"third")
    ]
    first, second, third = (handle for handle in handles if handle is not None)
    assert second.withdraw()
    assert not second.withdraw(), "it is gone"
    assert outbox.queued == len(b"first") + len(b"third")
    outbox.attach(channel)
    assert channel.sent == [b"first", b"third"]
    assert told == ["sent", "sent"]
    assert not first.withdraw()
    assert not third.withdraw()
    assert outbox.queued == 0


def test_what_goes_straight_out_has_no_handle() -> None:
    outbox, channel = make_outbox(), WireChannel()
    outbox.attach(channel)
    assert outbox.send(b"one") is None


def test_the_queue_is_bounded() -> None:
    outbox = make_outbox()
    megabyte = b"x" * 2**20
    for _ in range(MAX_QUEUED // 2**20):
        outbox.send(megabyte)
    with pytest.raises(OutboxFullError):
        outbox.send(b"x")
    assert outbox.queued == MAX_QUEUED
    outbox.clear()
    assert outbox.queued == 0


@given(st.lists(st.sampled_from(["single", "stream", "drain", "lose"]), max_size=60))
def test_nothing_is_lost_doubled_or_reordered(steps: list[str]) -> None:
    outbox, channel = make_outbox(), WireChannel()
    outbox.attach(channel)
    arrived: list[bytes] = []
    singles = streams = 0
    for step in steps:
        if step == "single":
            outbox.send(b"s%d" % singles)
            singles += 1
        elif step == "stream":
            outbox.send_stream(packets(b"t%d" % streams, 4), None)
            streams += 1
        elif step == "drain":
            channel.drain()
        else:
            arrived += names(channel)
            outbox.detach()
            channel = WireChannel()
            outbox.attach(channel)
    for _ in range(4 * streams + 1):
        channel.drain()
    arrived += names(channel)
    assert [name for name in arrived if name.startswith(b"s")] == [b"s%d" % number for number in range(singles)]
    assert all(arrived.count(b"t%d" % number) == 4 for number in range(streams))
