from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livekit.testing.netem import LinkOptions
from livekit.webrtc import ChannelError
from livekit.webrtc.sctp import Association, Channel, CloseReason, State
from livekit.webrtc.sctp.chunks import DATA_HEADER, Sack
from livekit.webrtc.sctp.constants import (
    DEFAULT_PEER_MAX_MESSAGE_SIZE,
    DUPLICATE_SACK_PACKETS,
    FLAG_BEGIN,
    MAX_MESSAGE_SIZE,
    MAX_PACKET_SIZE,
    RECEIVE_BUFFER,
    RTO_MAX,
    ChunkType,
)
from livekit.webrtc.sctp.packet import PacketHeader, encode_chunk, iterate_chunks
from livekit.webrtc.sctp.path_mtu import LOW_SIZES
from livekit.webrtc.sctp.reconfig import MAX_DEFERRED
from tests.webrtc.sctp.ends import Pair, inject


@pytest.fixture
def pair() -> Pair:
    return Pair().establish()


def test_abort_reaches_the_peer(pair: Pair) -> None:
    pair.open()
    pair.client.association.abort()
    pair.client.association.abort()
    pair.run(lambda: bool(pair.server.closed))
    assert pair.client.closed == [CloseReason.LOCAL]
    assert pair.server.closed == [CloseReason.ABORTED]
    assert pair.server.closed_channels == pair.client.closed_channels == ["x"]


def test_abort_from_within_a_callback(pair: Pair) -> None:
    channel, far = pair.open()
    got: list[bytes] = []

    def stop(message: bytes) -> None:
        got.append(message)
        pair.server.association.abort()

    far.on_message = stop
    for index in range(5):
        channel.send(bytes((index,)))
    pair.run(lambda: bool(pair.client.closed))
    assert got == [b"\0"]


def test_message_over_the_local_limit_aborts(pair: Pair) -> None:
    channel, _ = pair.open()
    pair.client.association.max_message_size = 2 * MAX_MESSAGE_SIZE
    channel.send(bytes(MAX_MESSAGE_SIZE + 1))
    pair.run(lambda: bool(pair.client.closed))
    assert pair.server.closed == [CloseReason.PROTOCOL_VIOLATION]


def test_dead_path_fails_after_max_retransmits() -> None:
    pair = Pair(max_retransmits=5).establish()
    channel, _ = pair.open()
    pair.settle(1.0)
    pair.network.a_to_b.options = LinkOptions(loss=1.0)
    channel.send(b"lost")
    start = pair.now
    pair.run(lambda: bool(pair.client.closed))
    assert pair.client.closed == [CloseReason.TIMEOUT]
    assert pair.now - start <= 6 * RTO_MAX


def test_packets_before_connect_are_dropped() -> None:
    association = Association()
    association.receive_datagram(b"anything", 0.0)
    assert association.datagrams_to_send(0.0) == []
    assert association.next_timer() is None


def test_reordered_and_repeated_sacks_are_harmless(pair: Pair) -> None:
    channel, _ = pair.open()
    for _ in range(20):
        channel.send(bytes(1000))
    pair.client.association.datagrams_to_send(pair.now)
    transfer = pair.client.association.tcb.transfer
    assert transfer is not None
    for offset in (5, 3, 5, 0, 9, 9, 7):
        acked = (transfer.sender.outstanding.cumulative_acked_tsn + offset) & 0xFFFF_FFFF
        chunk = Sack(acked, 1 << 20, [(2, 3), (1, 1), (70, 80)], []).encode()
        pair.client.association.receive_datagram(
            PacketHeader(pair.client.association.tcb.local_tag).packet([chunk]), pair.now
        )
        assert transfer.sender.outstanding.flight_size >= 0


def test_deferred_reset_requests_are_bounded(pair: Pair) -> None:
    server = pair.server.association
    transfer = server.tcb.transfer
    assert transfer is not None
    sequence = transfer.receiver.cumulative_tsn + 1
    far = (sequence + 1000) & 0xFFFF_FFFF
    answered = 0
    for index in range(MAX_DEFERRED + 5):
        fields = [(sequence + index) & 0xFFFF_FFFF, 0, far]
        value = b"".join(field.to_bytes(4, "big") for field in fields) + b"\0\x01"
        request = b"\x00\x0d" + (len(value) + 4).to_bytes(2, "big") + value
        answered += len(inject(pair, encode_chunk(ChunkType.RE_CONFIG, request)))
    assert answered == MAX_DEFERRED


def test_receive_buffer_is_bounded(pair: Pair) -> None:
    """Unfinished messages above a gap, on many streams."""
    server = pair.server.association
    transfer = server.tcb.transfer
    assert transfer is not None
    base = transfer.receiver.cumulative_tsn
    header = PacketHeader(server.tcb.local_tag)
    for index in range(5000):
        tsn = (base + 2 + index) & 0xFFFF_FFFF
        chunk = DATA_HEADER.pack(0, FLAG_BEGIN, 1016, tsn, index & 0xFFFF, 0, 53) + bytes(1000)
        server.receive_datagram(header.packet([chunk]), pair.now)
    assert transfer.receiver.reassembly.buffered <= RECEIVE_BUFFER


actions = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 5000)),
        st.tuples(st.just("time"), st.integers(1, 400)),
        st.tuples(st.just("garble"), st.integers(0, 1 << 30)),
        st.tuples(st.just("replay"), st.integers(0, 1 << 30)),
    ),
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1 << 30), actions)
def test_attacker_on_the_path_cannot_change_delivered_messages(seed: int, steps: list[tuple[str, int]]) -> None:
    """Under loss, replay, reordering and corruption, messages arrive once, in order and unchanged."""
    rng = random.Random(seed)
    pair = Pair(seed, LinkOptions(delay=0.02, loss=0.1, jitter=0.02, duplicate=0.1)).establish()
    channel, _ = pair.open()
    sent: list[bytes] = []
    seen: list[bytes] = []
    for action, value in steps:
        if action == "send":
            sent.append(rng.randbytes(value))
            channel.send(sent[-1])
        elif action == "time":
            pair.settle(value / 1000)
        elif action == "replay" and seen:
            pair.server.association.receive_datagram(seen[value % len(seen)], pair.now)
        elif action == "garble" and seen:
            garbled = bytearray(seen[value % len(seen)])
            garbled[value % len(garbled)] ^= 1 << value % 8
            pair.server.association.receive_datagram(bytes(garbled), pair.now)
        for packet in pair.client.association.datagrams_to_send(pair.now):
            seen.append(packet)
            pair.network.a_to_b.send(packet, len(packet), pair.now)
    pair.run(lambda: len(pair.server.messages["x"]) == len(sent), limit=120)
    assert pair.server.messages["x"] == sent


def test_round_trip_time_is_none_until_measured() -> None:
    pair = Pair(both_initiate=False)
    assert pair.client.association.round_trip_time is None
    pair.establish()
    assert pair.client.association.round_trip_time == pytest.approx(0.02)


def test_max_message_size_is_the_peers(pair: Pair) -> None:
    """RFC 8841 section 6: 64 KiB unless announced otherwise."""
    association = pair.client.association
    assert association.max_message_size == DEFAULT_PEER_MAX_MESSAGE_SIZE
    association.max_message_size = 10
    channel, _ = pair.open()
    with pytest.raises(ChannelError, match="limit of 10"):
        channel.send(bytes(11))


def test_on_channel_is_called_with_channels_of_the_peer(pair: Pair) -> None:
    record = pair.server.association.on_channel
    opened: list[str] = []

    def on_channel(channel: Channel) -> None:
        opened.append(channel.label)
        record(channel)

    pair.server.association.on_channel = on_channel
    pair.open("theirs")
    assert opened == ["theirs"]


def test_shutdown_before_connect_aborts() -> None:
    pair = Pair(connect=False)
    pair.client.association.shutdown(0.0)
    assert pair.client.closed == [CloseReason.LOCAL]
    assert pair.client.association.datagrams_to_send(0.0) == []


def test_shutdown_delivers_queued_messages(pair: Pair) -> None:
    """RFC 9260 section 9.2. A second shutdown changes nothing."""
    channel, _ = pair.open()
    channel.send(bytes(50_000))
    pair.client.association.shutdown(pair.now)
    pair.client.association.shutdown(pair.now)
    pair.run(lambda: bool(pair.client.closed and pair.server.closed))
    assert pair.client.closed == pair.server.closed == [CloseReason.SHUTDOWN]
    assert pair.server.messages["x"] == [bytes(50_000)]


def test_shutdown_is_retransmitted(pair: Pair) -> None:
    """RFC 9260 section 9.2, T2-shutdown."""
    pair.network.a_to_b.is_down = True
    pair.client.association.shutdown(pair.now)
    pair.settle(0.05)
    pair.network.a_to_b.is_down = False
    pair.run(lambda: bool(pair.client.closed), limit=5.0)
    assert pair.client.closed == [CloseReason.SHUTDOWN]


def test_second_abort_in_a_packet_is_ignored(pair: Pair) -> None:
    assert inject(pair, encode_chunk(ChunkType.ABORT), encode_chunk(ChunkType.ABORT)) == []
    assert pair.server.closed == [CloseReason.ABORTED]


def test_path_mtu_probes_are_sent_and_resize_packets(pair: Pair) -> None:
    """RFC 8899: the timer of the search is one of the association's."""
    association = pair.client.association
    association.path_mtu.search(8_912, pair.now)
    assert association.next_timer() == pair.now
    for size in (MAX_PACKET_SIZE, 8_912):
        pair.settle(0.1)
        probe = association.take_probe()
        assert probe is not None
        assert len(probe) == size
        pair.server.association.receive_datagram(probe, pair.now)
    assert association.take_probe() is None
    pair.settle(0.1)
    channel, _ = pair.open()
    channel.send(bytes(20_000))
    assert max(map(len, association.datagrams_to_send(pair.now))) == 8_912


def test_rejected_probe_is_followed_by_a_shorter_one(pair: Pair) -> None:
    association = pair.client.association
    association.path_mtu.search(0, pair.now)
    association.datagrams_to_send(pair.now)
    assert association.take_probe() is not None
    association.reject_probe(pair.now)
    association.datagrams_to_send(pair.now)
    probe = association.take_probe()
    assert probe is not None
    assert len(probe) == LOW_SIZES[0]


def test_timer_without_a_deadline_changes_nothing(pair: Pair) -> None:
    Association().handle_timer(1.0)
    pair.settle(1.0)
    assert pair.client.association.next_timer() is None
    pair.client.association.handle_timer(pair.now)
    assert pair.client.association.datagrams_to_send(pair.now) == []


def test_restart_of_the_peer_starts_over(pair: Pair) -> None:
    """RFC 9260 section 5.2.4, action A."""
    pair.open()
    successor = Pair(seed=99, connect=False)
    successor.network.b, successor.network.now = pair.server.association, pair.now
    successor.client.association.connect(pair.now, is_client=True)
    successor.run(lambda: successor.client.state is State.ESTABLISHED)
    assert pair.server.restarts == 1
    assert pair.server.closed_channels == ["x"]
    assert pair.server.state is State.ESTABLISHED


def test_cookie_echo_with_data_is_retransmitted() -> None:
    """RFC 9260 section 5.1 C: DATA may be bundled with the COOKIE ECHO, and is lost with it."""
    pair = Pair(both_initiate=False)
    pair.client.association.open_channel("x")
    pair.run(lambda: pair.client.state is State.COOKIE_ECHOED)
    pair.network.a_to_b.receive(float("inf"))  # lose it
    pair.run(lambda: bool(pair.server.channels), limit=2.0)


def test_closed_channel_resets_its_stream(pair: Pair) -> None:
    """RFC 8831 section 6.7: RE-CONFIG is sent once the channel's messages are."""
    channel, _ = pair.open()
    pair.settle(1.0)
    channel.close()
    (packet,) = pair.client.association.datagrams_to_send(pair.now)
    assert [kind for kind, *_ in iterate_chunks(packet)] == [ChunkType.RE_CONFIG]


def test_sack_for_several_packets_on_a_lossy_path_is_sent_twice(pair: Pair) -> None:
    server = pair.server.association
    transfer = server.tcb.transfer
    assert transfer is not None
    first = transfer.receiver.cumulative_tsn + 2  # above a gap
    header = PacketHeader(server.tcb.local_tag)
    for index in range(DUPLICATE_SACK_PACKETS):
        tsn = (first + index) & 0xFFFF_FFFF
        chunk = DATA_HEADER.pack(0, FLAG_BEGIN, 20, tsn, 0, 0, 53) + b"data"
        server.receive_datagram(header.packet([chunk]), pair.now)
    packets = server.datagrams_to_send(pair.now)
    assert [[kind for kind, *_ in iterate_chunks(packet)] for packet in packets] == [[ChunkType.SACK]] * 2
    assert packets[0] == packets[1]
