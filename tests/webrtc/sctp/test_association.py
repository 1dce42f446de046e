from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livekit.testing.netem import LinkOptions
from livekit.webrtc.sctp import Association, CloseReason, State
from livekit.webrtc.sctp.chunks import DATA_HEADER, Sack
from livekit.webrtc.sctp.constants import (
    FLAG_BEGIN,
    FLAG_TAG_REFLECTED,
    MAX_MESSAGE_SIZE,
    MAX_PENDING_REPLIES,
    RECEIVE_BUFFER,
    RTO_MAX,
    ChunkType,
)
from livekit.webrtc.sctp.packet import PacketHeader, encode_chunk, iterate_chunks
from livekit.webrtc.sctp.reconfig import MAX_DEFERRED
from tests.webrtc.sctp.ends import Pair


@pytest.fixture
def pair() -> Pair:
    return Pair().establish()


def inject(pair: Pair, *chunks: bytes) -> list[bytes]:
    """Give the server chunks as if from the client; return the chunks of its answer."""
    server = pair.server.association
    server.receive_datagram(PacketHeader(server.tcb.local_tag).packet(chunks), pair.now)
    return [
        packet[start - 4 : end]
        for packet in server.datagrams_to_send(pair.now)
        for _, _, start, end in iterate_chunks(packet)
    ]


def test_heartbeat_is_answered(pair: Pair) -> None:
    (answer,) = inject(pair, encode_chunk(ChunkType.HEARTBEAT, b"\x00\x01\x00\x06ab"))
    assert answer == encode_chunk(ChunkType.HEARTBEAT_ACK, b"\x00\x01\x00\x06ab")[: len(answer)]


def test_answers_to_a_flood_are_bounded(pair: Pair) -> None:
    server = pair.server.association
    heartbeat = PacketHeader(server.tcb.local_tag).packet([encode_chunk(ChunkType.HEARTBEAT, b"abcd")] * 10)
    for _ in range(100):
        server.receive_datagram(heartbeat, pair.now)
    answers = sum(len(list(iterate_chunks(packet))) for packet in server.datagrams_to_send(pair.now))
    assert answers == MAX_PENDING_REPLIES


@pytest.mark.parametrize(("kind", "reported", "goes_on"), [(0xC5, 1, True), (0x85, 0, True), (0x45, 1, False)])
def test_unknown_chunks(pair: Pair, kind: int, reported: int, goes_on: bool) -> None:
    answers = inject(pair, encode_chunk(kind, b"what"), encode_chunk(ChunkType.HEARTBEAT, b"abcd"))
    assert [chunk[0] for chunk in answers].count(ChunkType.ERROR) == reported
    assert ([chunk[0] for chunk in answers].count(ChunkType.HEARTBEAT_ACK) == 1) is goes_on


def test_wrong_tag_is_dropped(pair: Pair) -> None:
    server = pair.server.association
    server.receive_datagram(PacketHeader(server.tcb.local_tag ^ 1).packet([encode_chunk(ChunkType.ABORT)]), pair.now)
    assert server.state is State.ESTABLISHED
    assert server.dropped_packets == 1


@pytest.mark.parametrize("reflected", [False, True])
def test_abort(pair: Pair, reflected: bool) -> None:
    server = pair.server.association
    tag = server.tcb.peer_tag if reflected else server.tcb.local_tag
    chunk = encode_chunk(ChunkType.ABORT, b"", FLAG_TAG_REFLECTED if reflected else 0)
    server.receive_datagram(PacketHeader(tag).packet([chunk]), pair.now)
    assert pair.server.closed == [CloseReason.ABORTED]
    assert server.datagrams_to_send(pair.now) == []


def test_abort_of_ours_reaches_the_peer(pair: Pair) -> None:
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


def test_message_over_our_limit_aborts(pair: Pair) -> None:
    channel, _ = pair.open()
    pair.client.association.max_message_size = 2 * MAX_MESSAGE_SIZE
    channel.send(bytes(MAX_MESSAGE_SIZE + 1))
    pair.run(lambda: bool(pair.client.closed))
    assert pair.server.closed == [CloseReason.PROTOCOL_VIOLATION]


def test_dead_path_fails_after_the_last_retransmission() -> None:
    pair = Pair(max_retransmits=5).establish()
    channel, _ = pair.open()
    pair.settle(1.0)
    pair.network.a_to_b.options = LinkOptions(loss=1.0)
    channel.send(b"lost")
    start = pair.now
    pair.run(lambda: bool(pair.client.closed))
    assert pair.client.closed == [CloseReason.TIMEOUT]
    assert pair.now - start <= 6 * RTO_MAX


def test_nothing_is_read_before_connect() -> None:
    association = Association()
    association.receive_datagram(b"anything", 0.0)
    assert association.datagrams_to_send(0.0) == []
    assert association.next_timer() is None


def test_reordered_and_repeated_sacks_do_no_harm(pair: Pair) -> None:
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


def test_reset_requests_that_wait_are_bounded(pair: Pair) -> None:
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


def test_what_a_peer_can_make_us_store_is_bounded(pair: Pair) -> None:
    """Fragments without an end, all above a gap, on many streams."""
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
def test_an_adversary_on_the_path_cannot_change_what_is_delivered(seed: int, steps: list[tuple[str, int]]) -> None:
    """Loss, repetition, reordering and garbled packets: messages arrive once, in order and unchanged."""
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
