from __future__ import annotations

import pytest

from livekit.testing.netem import LinkOptions
from livekit.webrtc.sctp import CloseReason, State
from livekit.webrtc.sctp.chunks import Init, Parameters, encode_cause
from livekit.webrtc.sctp.constants import (
    COOKIE_LIFETIME,
    MAX_INIT_RETRANSMITS,
    MAX_RETAINED_COOKIE,
    RTO_INITIAL,
    THIN_TIMEOUTS,
    Cause,
    ChunkType,
    Parameter,
)
from livekit.webrtc.sctp.packet import PacketHeader, encode_chunk, iterate_chunks, verify
from tests.webrtc.sctp.ends import Pair


def chunk_types(packet: bytes) -> list[int]:
    return [kind for kind, *_ in iterate_chunks(packet)]


def test_four_way_handshake() -> None:
    pair = Pair(both_initiate=False)
    client, server = pair.client.association, pair.server.association
    (init,) = client.datagrams_to_send(0.0)
    assert (verify(init), chunk_types(init)) == (0, [ChunkType.INIT])
    server.receive_datagram(init, 0.0)
    (init_ack,) = server.datagrams_to_send(0.0)
    assert chunk_types(init_ack) == [ChunkType.INIT_ACK]
    assert not server.tcb.handshake_complete  # the server is stateless until the COOKIE ECHO
    client.receive_datagram(init_ack, 0.0)
    (echo,) = client.datagrams_to_send(0.0)
    assert chunk_types(echo) == [ChunkType.COOKIE_ECHO]
    server.receive_datagram(echo, 0.0)
    assert server.state is State.ESTABLISHED
    (ack,) = server.datagrams_to_send(0.0)
    client.receive_datagram(ack, 0.0)
    assert client.state is State.ESTABLISHED
    assert client.next_timer() is None


def test_channel_open_is_bundled_with_the_cookie_echo() -> None:
    pair = Pair(both_initiate=False)
    pair.client.association.open_channel("x")
    pair.run(lambda: bool(pair.server.channels))
    assert pair.now == pytest.approx(0.03)  # one and a half round trips


@pytest.mark.parametrize("seed", range(20))
def test_both_sides_initiate(seed: int) -> None:
    link = LinkOptions(delay=0.01, jitter=0.02, duplicate=0.2)
    pair = Pair(seed, link).establish()
    channel, far = pair.open()
    channel.send(b"to")
    far.send(b"fro")
    pair.run(lambda: pair.server.messages["x"] == [b"to"] and pair.client.messages["x"] == [b"fro"])


def test_unanswered_init_times_out() -> None:
    pair = Pair(link=LinkOptions(loss=1.0), both_initiate=False)
    pair.run(lambda: bool(pair.client.closed), limit=60.0)
    assert pair.client.closed == [CloseReason.TIMEOUT]
    assert pair.network.a_to_b.sent == MAX_INIT_RETRANSMITS + 1


def test_first_timeouts_do_not_back_off() -> None:
    client = Pair(link=LinkOptions(loss=1.0), both_initiate=False).client.association
    waits: list[float] = []
    now = 0.0
    for _ in range(THIN_TIMEOUTS + 2):
        client.datagrams_to_send(now)
        due = client.next_timer()
        assert due is not None
        waits.append(due - now)
        now = due
        client.handle_timer(now)
    assert waits == pytest.approx([RTO_INITIAL] * (THIN_TIMEOUTS + 1) + [2 * RTO_INITIAL])


def test_lost_cookie_echo_is_retransmitted_with_its_data() -> None:
    pair = Pair(both_initiate=False)
    pair.client.association.open_channel("x")
    pair.run(lambda: pair.client.state is State.COOKIE_ECHOED)
    pair.network.a_to_b.receive(float("inf"))  # lose it
    pair.run(lambda: bool(pair.server.channels), limit=2.0)


def test_duplicate_cookie_echo_is_acknowledged_again() -> None:
    pair = Pair(both_initiate=False)
    server = pair.server.association
    echo = cookie_echo(pair)
    for _ in range(2):
        server.receive_datagram(echo, 0.0)
        assert [chunk_types(packet) for packet in server.datagrams_to_send(0.0)] == [[ChunkType.COOKIE_ACK]]


def test_stale_cookie_restarts_the_handshake() -> None:
    pair = Pair(both_initiate=False)
    client, server = pair.client.association, pair.server.association
    echo = cookie_echo(pair)
    late = COOKIE_LIFETIME + 1
    server.receive_datagram(echo, late)
    (error,) = server.datagrams_to_send(late)
    assert chunk_types(error) == [ChunkType.ERROR]
    client.receive_datagram(error, late)
    assert client.state is State.COOKIE_WAIT
    pair.network.now = late
    pair.establish()


def test_forged_cookie_is_ignored() -> None:
    pair = Pair(both_initiate=False)
    echo = encode_chunk(ChunkType.COOKIE_ECHO, bytes(64))
    pair.server.association.receive_datagram(PacketHeader(7).packet([echo]), 0.0)
    assert pair.server.association.datagrams_to_send(0.0) == []
    assert pair.server.state is State.CLOSED


@pytest.mark.parametrize(("tag", "streams", "answer"), [(0, 1, []), (1, 0, [ChunkType.ABORT])])
def test_invalid_init(tag: int, streams: int, answer: list[ChunkType]) -> None:
    pair = Pair(both_initiate=False)
    init = Init(tag, 1500, streams, streams, 1).encode(ChunkType.INIT)
    pair.server.association.receive_datagram(PacketHeader(0).packet([init]), 0.0)
    packets = pair.server.association.datagrams_to_send(0.0)
    assert [kind for packet in packets for kind in chunk_types(packet)] == answer


def test_unrecognized_parameters_are_reported_as_their_type_requires() -> None:
    pair = Pair(both_initiate=False)
    parameters = ((0xC123, b"report"), (0x8123, b"skip"), (0x4123, b"report, stop"), (0xC124, b"not read"))
    init = Init(9, 1500, 1, 1, 1, parameters).encode(ChunkType.INIT)
    pair.server.association.receive_datagram(PacketHeader(0).packet([init]), 0.0)
    (packet,) = pair.server.association.datagrams_to_send(0.0)
    ack = Init.parse(packet[16:])
    reports = [value for kind, value in ack.parameters if kind == Parameter.UNRECOGNIZED]
    assert [report[:2].hex() for report in reports] == ["c123", "4123"]


def test_peer_restart() -> None:
    pair = Pair().establish()
    channel, _ = pair.open()
    channel.send(b"before")
    pair.run(lambda: pair.server.messages["x"] == [b"before"])
    fresh = Pair(seed=99, connect=False)
    fresh.client.association.connect(pair.now, is_client=True)
    fresh.network.b = pair.server.association
    fresh.network.now = pair.now
    fresh.run(lambda: fresh.client.state is State.ESTABLISHED)
    assert pair.server.restarts == 1
    assert pair.server.closed_channels == ["x"]
    again = fresh.client.association.open_channel("y")
    fresh.run(lambda: again.is_open)
    again.send(b"after")
    fresh.run(lambda: pair.server.messages.get("y") == [b"after"])


def test_init_on_a_live_association_does_not_disturb_it() -> None:
    pair = Pair().establish()
    init = Init(9, 1500, 1, 1, 1).encode(ChunkType.INIT)
    pair.server.association.receive_datagram(PacketHeader(0).packet([init]), pair.now)
    channel, _ = pair.open()
    channel.send(b"still here")
    pair.run(lambda: pair.server.messages["x"] == [b"still here"])


def test_error_after_the_handshake_is_ignored() -> None:
    pair = Pair().establish()
    error = encode_chunk(ChunkType.ERROR, encode_cause(Cause.STALE_COOKIE, bytes(4)) + encode_cause(99))
    tag = pair.server.association.tcb.local_tag
    pair.server.association.receive_datagram(PacketHeader(tag).packet([error]), pair.now)
    assert pair.server.state is State.ESTABLISHED


@pytest.mark.parametrize(
    ("parameters", "streams"),
    [((), 1), (((Parameter.STATE_COOKIE, bytes(MAX_RETAINED_COOKIE + 1)),), 1), (((Parameter.STATE_COOKIE, b"c"),), 0)],
    ids=["no cookie", "a cookie that is too long", "no streams"],
)
def test_invalid_init_ack_aborts(parameters: Parameters, streams: int) -> None:
    """RFC 9260 sections 3.3.3 and 5.1."""
    pair = Pair(both_initiate=False)
    client = pair.client.association
    client.datagrams_to_send(0.0)
    ack = Init(9, 1500, streams, streams, 1, parameters).encode(ChunkType.INIT_ACK)
    client.receive_datagram(PacketHeader(client.tcb.local_tag).packet([ack]), 0.0)
    assert pair.client.closed == [CloseReason.PROTOCOL_VIOLATION]
    (packet,) = client.datagrams_to_send(0.0)
    assert (verify(packet), chunk_types(packet)) == (9, [ChunkType.ABORT])


def test_init_ack_without_an_init_is_ignored() -> None:
    """RFC 9260 section 5.2.3."""
    pair = Pair().establish()
    client = pair.client.association
    ack = Init(9, 1500, 1, 1, 1, ((Parameter.STATE_COOKIE, b"cookie"),)).encode(ChunkType.INIT_ACK)
    client.receive_datagram(PacketHeader(client.tcb.local_tag).packet([ack]), pair.now)
    assert client.datagrams_to_send(pair.now) == []
    assert client.state is State.ESTABLISHED


def test_cookie_echo_under_a_wrong_tag_is_ignored() -> None:
    """RFC 9260 section 5.1.5, step 3."""
    pair = Pair(both_initiate=False)
    echo = cookie_echo(pair)
    pair.server.association.receive_datagram(PacketHeader(verify(echo) ^ 1).packet([echo[12:]]), 0.0)
    assert pair.server.state is State.CLOSED


def test_restart_during_shutdown_is_refused() -> None:
    """RFC 9260 section 5.2.4, action A: in SHUTDOWN-ACK-SENT the answer is SHUTDOWN ACK and ERROR."""
    pair = Pair().establish()
    server = pair.server.association
    successor = Pair(seed=99, connect=False)
    successor.client.association.connect(pair.now, is_client=True)
    (init,) = successor.client.association.datagrams_to_send(pair.now)
    server.receive_datagram(init, pair.now)
    (init_ack,) = server.datagrams_to_send(pair.now)
    successor.client.association.receive_datagram(init_ack, pair.now)
    (echo,) = successor.client.association.datagrams_to_send(pair.now)
    pair.network.b_to_a.is_down = True
    pair.client.association.shutdown(pair.now)
    pair.run(lambda: pair.server.state is State.SHUTDOWN_ACK_SENT)
    server.datagrams_to_send(pair.now)
    server.receive_datagram(echo, pair.now)
    answers = [kind for packet in server.datagrams_to_send(pair.now) for kind in chunk_types(packet)]
    assert answers == [ChunkType.SHUTDOWN_ACK, ChunkType.ERROR]
    assert pair.server.restarts == 0
    server.receive_datagram(init, pair.now)
    assert server.datagrams_to_send(pair.now) == []


def cookie_echo(pair: Pair) -> bytes:
    """Return the client's COOKIE ECHO packet."""
    client, server = pair.client.association, pair.server.association
    server.receive_datagram(client.datagrams_to_send(0.0)[0], 0.0)
    client.receive_datagram(server.datagrams_to_send(0.0)[0], 0.0)
    (echo,) = client.datagrams_to_send(0.0)
    return echo
