"""Chunks injected into the server of an established pair, as if its client had sent them."""

from __future__ import annotations

import pytest

from livekit.webrtc.sctp import CloseReason, State
from livekit.webrtc.sctp.chunks import (
    DATA_HEADER,
    ForwardTsn,
    Init,
    Sack,
    encode_cause,
    encode_parameter,
    encode_shutdown,
    parse_shutdown,
)
from livekit.webrtc.sctp.constants import (
    FLAG_BEGIN,
    FLAG_END,
    FLAG_TAG_REFLECTED,
    MAX_PACKET_SIZE,
    MAX_PENDING_REPLIES,
    Cause,
    ChunkType,
    Parameter,
)
from livekit.webrtc.sctp.packet import PacketHeader, encode_chunk, iterate_chunks
from livekit.webrtc.sctp.tcb import DataTransfer
from tests.webrtc.sctp.ends import Pair, inject


@pytest.fixture
def pair() -> Pair:
    return Pair().establish()


def types(chunks: list[bytes]) -> list[int]:
    return [chunk[0] for chunk in chunks]


def transfer_of(pair: Pair) -> DataTransfer:
    transfer = pair.server.association.tcb.transfer
    assert transfer is not None
    return transfer


def data(tsn: int, *, ssn: int = 0, stream: int = 0) -> bytes:
    return DATA_HEADER.pack(0, FLAG_BEGIN | FLAG_END, 20, tsn & 0xFFFF_FFFF, stream, ssn, 53) + b"data"


def test_heartbeat_is_answered(pair: Pair) -> None:
    """RFC 9260 section 8.3."""
    (answer,) = inject(pair, encode_chunk(ChunkType.HEARTBEAT, b"\x00\x01\x00\x06ab"))
    assert answer == encode_chunk(ChunkType.HEARTBEAT_ACK, b"\x00\x01\x00\x06ab")[: len(answer)]


def test_answers_to_a_flood_are_bounded(pair: Pair) -> None:
    server = pair.server.association
    heartbeat = PacketHeader(server.tcb.local_tag).packet([encode_chunk(ChunkType.HEARTBEAT, b"abcd")] * 10)
    for _ in range(100):
        server.receive_datagram(heartbeat, pair.now)
    answers = sum(len(list(iterate_chunks(packet))) for packet in server.datagrams_to_send(pair.now))
    assert answers == MAX_PENDING_REPLIES


def test_heartbeat_ack_reaches_path_mtu_discovery(pair: Pair) -> None:
    server = pair.server.association
    server.path_mtu.search(9_000, pair.now)
    server.datagrams_to_send(pair.now)
    probe = server.take_probe()
    assert probe is not None
    heartbeat, pad = (probe[start:end] for _, _, start, end in iterate_chunks(probe))
    inject(pair, encode_chunk(ChunkType.PAD, pad), encode_chunk(ChunkType.HEARTBEAT_ACK, heartbeat))
    assert server.path_mtu.size == MAX_PACKET_SIZE


@pytest.mark.parametrize(("kind", "reported", "continues"), [(0xC5, 1, True), (0x85, 0, True), (0x45, 1, False)])
def test_unrecognized_chunk_types(pair: Pair, kind: int, reported: int, continues: bool) -> None:
    """RFC 9260 section 3.2: the two highest bits."""
    answers = inject(pair, encode_chunk(kind, b"what"), encode_chunk(ChunkType.HEARTBEAT, b"abcd"))
    assert types(answers).count(ChunkType.ERROR) == reported
    assert (types(answers).count(ChunkType.HEARTBEAT_ACK) == 1) is continues


def test_wrong_verification_tag_is_dropped(pair: Pair) -> None:
    """RFC 9260 section 8.5."""
    server = pair.server.association
    server.receive_datagram(PacketHeader(server.tcb.local_tag ^ 1).packet([encode_chunk(ChunkType.ABORT)]), pair.now)
    assert server.state is State.ESTABLISHED
    assert server.dropped_packets == 1


def test_data_with_a_wrong_verification_tag_is_dropped(pair: Pair) -> None:
    server, receiver = pair.server.association, transfer_of(pair).receiver
    before = receiver.cumulative_tsn
    server.receive_datagram(PacketHeader(server.tcb.local_tag ^ 1).packet([data(before + 1)]), pair.now)
    assert receiver.cumulative_tsn == before
    inject(pair, data(before + 1))
    assert receiver.cumulative_tsn == before + 1


@pytest.mark.parametrize("reflected", [False, True])
def test_abort(pair: Pair, reflected: bool) -> None:
    """RFC 9260 sections 8.5.1 and 9.1. A second ABORT in the packet changes nothing."""
    server = pair.server.association
    tag = server.tcb.peer_tag if reflected else server.tcb.local_tag
    chunk = encode_chunk(ChunkType.ABORT, b"", FLAG_TAG_REFLECTED if reflected else 0)
    server.receive_datagram(PacketHeader(tag).packet([chunk, chunk]), pair.now)
    assert pair.server.closed == [CloseReason.ABORTED]
    assert server.datagrams_to_send(pair.now) == []


def test_error_causes_without_effect(pair: Pair) -> None:
    inject(pair, encode_chunk(ChunkType.ERROR, encode_cause(Cause.STALE_COOKIE, bytes(4)) + encode_cause(99)))
    assert pair.server.state is State.ESTABLISHED


def test_init_on_a_live_association_leaves_it_alone(pair: Pair) -> None:
    """RFC 9260 section 5.2.2."""
    server = pair.server.association
    init = Init(9, 1500, 1, 1, 1).encode(ChunkType.INIT)
    server.receive_datagram(PacketHeader(0).packet([init]), pair.now)
    (packet,) = server.datagrams_to_send(pair.now)
    assert [kind for kind, *_ in iterate_chunks(packet)] == [ChunkType.INIT_ACK]
    assert inject(pair, Init(9, 1500, 1, 1, 1).encode(ChunkType.INIT_ACK)) == []
    assert server.state is State.ESTABLISHED


def test_transfer_chunks_before_the_handshake_are_ignored() -> None:
    pair = Pair(both_initiate=True)
    pair.server.association.datagrams_to_send(0.0)  # its INIT
    assert pair.server.state is State.COOKIE_WAIT
    assert inject(pair, encode_chunk(ChunkType.HEARTBEAT, b"abcd"), encode_chunk(0xC5)) == []
    assert inject(pair, data(1)) == []


def test_sack_confirms_messages_and_clears_the_error_count(pair: Pair) -> None:
    """RFC 9260 sections 6.2.1 and 8.1."""
    _, channel = pair.open()
    pair.settle(1.0)
    server, sender = pair.server.association, transfer_of(pair).sender
    delivered: list[bool] = []
    channel.send(b"message", lambda: delivered.append(True))
    server.datagrams_to_send(pair.now)
    server.tcb.error_count = 3
    inject(pair, Sack((sender.outstanding.next_tsn - 1) & 0xFFFF_FFFF, 1 << 20, [], []).encode())
    assert delivered == [True]
    assert server.tcb.error_count == 0


def test_forward_tsn_moves_the_cumulative_tsn(pair: Pair) -> None:
    """RFC 3758 section 3.6."""
    receiver = transfer_of(pair).receiver
    tsn = (receiver.cumulative_tsn + 3) & 0xFFFF_FFFF
    (sack,) = inject(pair, ForwardTsn(tsn, ()).encode())
    assert Sack.parse(sack[4:]).cumulative_tsn == tsn


def test_stream_reset_is_answered(pair: Pair) -> None:
    """RFC 6525 section 5.2; a response, in contrast, is not answered."""
    receiver = transfer_of(pair).receiver
    sequence = (receiver.cumulative_tsn + 1) & 0xFFFF_FFFF
    fields = (sequence, 0, receiver.cumulative_tsn & 0xFFFF_FFFF)
    value = b"".join(field.to_bytes(4, "big") for field in fields) + b"\0\1"
    request = encode_chunk(ChunkType.RE_CONFIG, encode_parameter(Parameter.OUTGOING_RESET_REQUEST, value))
    assert types(inject(pair, request)) == [ChunkType.RE_CONFIG]
    response = encode_parameter(Parameter.RECONFIG_RESPONSE, bytes(8))
    assert inject(pair, encode_chunk(ChunkType.RE_CONFIG, response)) == []


def test_shutdown_acknowledges_and_is_answered(pair: Pair) -> None:
    """RFC 9260 section 9.2: the peer's SHUTDOWN carries its cumulative TSN."""
    sender = transfer_of(pair).sender
    assert types(inject(pair, encode_shutdown(sender.outstanding.cumulative_acked_tsn & 0xFFFF_FFFF))) == [
        ChunkType.SHUTDOWN_ACK
    ]
    assert pair.server.state is State.SHUTDOWN_ACK_SENT
    tsn = transfer_of(pair).receiver.cumulative_tsn
    late = (data(tsn + 1), ForwardTsn((tsn + 1) & 0xFFFF_FFFF, ()).encode(), encode_chunk(ChunkType.RE_CONFIG))
    assert [inject(pair, chunk) for chunk in late] == [[], [], []]
    assert transfer_of(pair).receiver.cumulative_tsn == tsn
    inject(pair, encode_chunk(ChunkType.SHUTDOWN_COMPLETE))
    assert pair.server.closed == [CloseReason.SHUTDOWN]


def test_data_after_our_shutdown_is_answered_with_shutdown(pair: Pair) -> None:
    """RFC 9260 section 9.2: SHUTDOWN-SENT acknowledges each packet with another SHUTDOWN."""
    server = pair.server.association
    server.shutdown(pair.now)
    server.datagrams_to_send(pair.now)
    assert pair.server.state is State.SHUTDOWN_SENT
    tsn = transfer_of(pair).receiver.cumulative_tsn + 1
    shutdown = next(chunk for chunk in inject(pair, data(tsn)) if chunk[0] == ChunkType.SHUTDOWN)
    assert parse_shutdown(shutdown[4:]) == tsn & 0xFFFF_FFFF
    assert types(inject(pair, encode_chunk(ChunkType.SHUTDOWN_ACK))) == [ChunkType.SHUTDOWN_COMPLETE]
    assert pair.server.closed == [CloseReason.SHUTDOWN]


def test_shutdown_pending_proceeds_with_the_last_sack(pair: Pair) -> None:
    _, channel = pair.open()
    channel.send(b"message")
    pair.server.association.shutdown(pair.now)
    assert pair.server.state is State.SHUTDOWN_PENDING
    pair.run(lambda: pair.server.closed == [CloseReason.SHUTDOWN])
    assert pair.client.messages["x"] == [b"message"]
