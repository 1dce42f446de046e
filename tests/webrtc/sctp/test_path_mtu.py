"""Path MTU discovery (RFC 8899) in virtual time."""

from __future__ import annotations

import random

import pytest

from livekit.testing.netem import LinkOptions
from livekit.webrtc.sctp import MAX_RECEIVED_PACKET
from livekit.webrtc.sctp.constants import MAX_PACKET_SIZE, NEVER
from livekit.webrtc.sctp.path_mtu import MAX_PROBES, PROBE_SIZES, PROBE_TIMER, RAISE_TIMER, PathMtu

from .ends import Pair

BLOB = random.Random(5).randbytes(200_000)


def pair(mtu: int | None, loss: float = 0.0, seed: int = 3) -> Pair:
    """Return an established pair whose client starts a search, over a link with this MTU."""
    pair = Pair(seed, LinkOptions(delay=0.01, mtu=mtu, loss=loss)).establish()
    pair.client.association.max_message_size = len(BLOB)
    pair.client.association.path_mtu.search(MAX_RECEIVED_PACKET, pair.now)
    return pair


@pytest.mark.parametrize(
    ("mtu", "size"),
    [(None, 15_872), (15_872, 15_872), (15_871, 8_912), (9_000, 8_912), (1_420, 1_412), (1_400, MAX_PACKET_SIZE)],
)
def test_search_finds_the_largest_size_that_arrives(mtu: int | None, size: int) -> None:
    link = pair(mtu)
    link.settle(len(PROBE_SIZES) * MAX_PROBES * PROBE_TIMER + 1)
    assert link.client.association.path_mtu.size == size
    assert link.server.association.path_mtu.size == MAX_PACKET_SIZE  # it has not started a search
    channel, _ = link.open()
    before = link.network.a_to_b.sent
    channel.send(BLOB)
    link.run(lambda: link.server.messages["x"] == [BLOB])
    packets = -(-len(BLOB) // (size - 28))
    assert packets <= link.network.a_to_b.sent - before <= packets + 4
    assert link.client.association.tcb.transfer is not None
    assert link.client.association.tcb.transfer.sender.retransmissions == 0


@pytest.mark.parametrize("seed", range(5))
def test_lost_probes_are_repeated(seed: int) -> None:
    link = pair(None, loss=0.2, seed=seed)
    link.settle(len(PROBE_SIZES) * MAX_PROBES * PROBE_TIMER)
    assert link.client.association.path_mtu.size > MAX_PACKET_SIZE


def test_search_respects_the_limit_of_the_peer() -> None:
    link = Pair(1, LinkOptions(delay=0.01, mtu=9_000)).establish()
    link.client.association.path_mtu.search(9_000, link.now)
    link.settle(1.0)
    assert link.client.association.path_mtu.size == 8_912
    assert link.network.a_to_b.lost == 0


def test_black_hole_detection() -> None:
    """The message in flight has large chunks, which need IP fragmentation: the callback enables it."""
    link = pair(None)
    link.settle(1.0)
    association = link.client.association
    assert association.path_mtu.size == MAX_RECEIVED_PACKET
    calls: list[float] = []

    def fragment() -> None:
        calls.append(link.now)
        link.network.a_to_b.options = LinkOptions(delay=0.01)

    association.path_mtu.on_black_hole = fragment
    channel, _ = link.open()
    link.network.a_to_b.options = LinkOptions(delay=0.01, mtu=1_500)
    channel.send(BLOB)
    link.run(lambda: link.server.messages["x"] == [BLOB])
    assert len(calls) == 1
    assert association.path_mtu.size == MAX_PACKET_SIZE
    link.network.a_to_b.options = LinkOptions(delay=0.01, mtu=1_500)
    channel.send(BLOB)
    link.run(lambda: len(link.server.messages["x"]) == 2)
    link.settle(2 * RAISE_TIMER)
    assert association.path_mtu.size == MAX_PACKET_SIZE  # not probed again on this path


def test_new_path_starts_at_the_base_size() -> None:
    link = pair(None)
    link.settle(1.0)
    association = link.client.association
    link.network.a_to_b.options = LinkOptions(delay=0.01, mtu=9_000)
    association.path_mtu.search(MAX_RECEIVED_PACKET, link.now)
    assert association.path_mtu.size == MAX_PACKET_SIZE
    assert association.congestion.cwnd <= association.congestion.max_cwnd
    link.settle(2 * MAX_PROBES * PROBE_TIMER)
    assert association.path_mtu.size == 8_912


def test_unsuccessful_search_is_repeated_later() -> None:
    sizes: list[int] = []
    mtu = PathMtu(1_000, sizes.append)
    mtu.search(MAX_RECEIVED_PACKET, 0.0)
    probes = 0
    while mtu.timer_at < RAISE_TIMER:
        now = mtu.timer_at
        probes += bool(mtu.take_probe(now))
    assert probes == len(PROBE_SIZES) * MAX_PROBES
    assert mtu.size == 1_000
    again = mtu.timer_at
    heartbeat, padding = mtu.take_probe(again)
    assert len(heartbeat) + len(padding) + 12 == MAX_RECEIVED_PACKET
    mtu.receive_heartbeat_ack(b"another", again)
    assert not sizes
    mtu.receive_heartbeat_ack(heartbeat[4:], again)
    mtu.receive_heartbeat_ack(heartbeat[4:], again)
    assert sizes == [MAX_RECEIVED_PACKET]
    assert mtu.take_probe(mtu.timer_at) == []
    assert mtu.timer_at == NEVER


def test_timeouts_of_packets_of_the_base_size_are_ignored() -> None:
    mtu = PathMtu(1_000, lambda _: pytest.fail("it cannot fall below the base"))
    mtu.on_t3_expiry(10)
    mtu.search(0, 0.0)
    assert mtu.timer_at == NEVER
