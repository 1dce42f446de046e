"""Path MTU discovery (RFC 8899) in virtual time."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from livekit.testing.netem import LinkOptions, Network
from livekit.webrtc.sctp import MAX_RECEIVED_PACKET, Channel, CloseReason
from livekit.webrtc.sctp.constants import MAX_PACKET_SIZE, MIN_PACKET_SIZE, NEVER
from livekit.webrtc.sctp.path_mtu import LARGE_SIZES, LOW_SIZES, MAX_PROBES, PROBE_TIMER, RAISE_TIMER, PathMtu

from .ends import End, Pair

BLOB = random.Random(5).randbytes(200_000)
MESSAGE = BLOB[:14_000]
SEARCH = (len(LARGE_SIZES) + len(LOW_SIZES) + 1) * MAX_PROBES * PROBE_TIMER + 1
"""Seconds in which every search ends."""


class Host:
    """An end whose socket has an interface with an MTU, before a path with another. Sizes are bytes of SCTP packets."""

    def __init__(self, end: End) -> None:
        self.association = end.association
        self.interface_mtu: int | None = None
        self.path_mtu: int | None = None
        self.fragments = True
        """Longer packets are fragmented, unless they are probes; otherwise they vanish."""
        self.probes: list[int] = []
        self.rejected: list[int] = []
        self.receive_datagram = self.association.receive_datagram
        self.next_timer = self.association.next_timer
        self.handle_timer = self.association.handle_timer

    def set_mtu(self, mtu: int | None, *, fragments: bool) -> None:
        self.path_mtu, self.fragments = mtu, fragments

    def datagrams_to_send(self, now: float) -> list[bytes]:
        datagrams = self._send(now)
        while self.association.path_mtu.timer_at <= now and self.association.tcb.can_send:
            datagrams += self._send(now)
        return datagrams

    def _send(self, now: float) -> list[bytes]:
        datagrams = [one for one in self.association.datagrams_to_send(now) if self.fragments or self._fits(one)]
        probe = self.association.take_probe()
        if probe is None:
            return datagrams
        self.probes.append(len(probe))
        if self.interface_mtu is not None and len(probe) > self.interface_mtu:
            self.rejected.append(len(probe))
            self.association.reject_probe(now)
            return datagrams
        return [*datagrams, probe] if self._fits(probe) else datagrams

    def _fits(self, packet: bytes) -> bool:
        return self.path_mtu is None or len(packet) <= self.path_mtu


class Hosts(Pair):
    """Two associations whose probes are sent; the client's packets pass the path that the test describes."""

    def __init__(self, mtu: int | None = None, *, fragments: bool = True, loss: float = 0.0, seed: int = 3) -> None:
        super().__init__(seed, connect=False)
        self.client_host, self.server_host = Host(self.client), Host(self.server)
        link = LinkOptions(delay=0.01, loss=loss)
        self.network = Network(self.client_host, self.server_host, seed=seed, link=link)
        self.client_host.set_mtu(mtu, fragments=fragments)
        self.server_host.set_mtu(mtu, fragments=fragments)
        self.connect()
        self.establish()
        for end in (self.client, self.server):
            end.association.max_message_size = len(BLOB)

    def search(self, limit: int = MAX_RECEIVED_PACKET) -> Hosts:
        for end in (self.client, self.server):
            end.association.path_mtu.search(limit, self.now)
        self.settle(SEARCH)
        return self

    @property
    def size(self) -> int:
        return self.client.association.path_mtu.size

    def deliver(self, channel: Channel, message: bytes = MESSAGE, limit: float = 60.0) -> float:
        """Send a message; return the seconds until it has arrived."""
        started, count = self.now, len(self.server.messages["x"])
        channel.send(message)
        self.run(lambda: len(self.server.messages["x"]) > count, limit)
        assert self.server.messages["x"][-1] == message
        return self.now - started


@pytest.mark.parametrize("fragments", [True, False])
@pytest.mark.parametrize(
    ("mtu", "size"),
    [
        (None, 15_872),
        (15_872, 15_872),
        (15_871, 8_912),
        (9_000, 8_912),
        (1_420, MAX_PACKET_SIZE),
        (1_187, 1_028),
        (1_000, 756),
        (755, MIN_PACKET_SIZE),
        (MIN_PACKET_SIZE, MIN_PACKET_SIZE),
    ],
)
def test_search_finds_the_largest_size_that_arrives(mtu: int | None, size: int, fragments: bool) -> None:
    hosts = Hosts(mtu, fragments=fragments).search()
    assert hosts.size == hosts.server.association.path_mtu.size == size
    channel, _ = hosts.open()
    before = hosts.network.a_to_b.sent
    hosts.deliver(channel, BLOB)
    packets = -(-len(BLOB) // (size - 28))
    assert packets <= hosts.network.a_to_b.sent - before <= packets + 4
    assert hosts.client.association.tcb.transfer is not None
    assert hosts.client.association.tcb.transfer.sender.retransmissions == 0


@pytest.mark.parametrize(("mtu", "size"), [(1_300, MAX_PACKET_SIZE), (1_100, 1_028), (600, MIN_PACKET_SIZE)])
def test_sizes_over_the_mtu_of_the_interface_are_abandoned_at_once(mtu: int, size: int) -> None:
    hosts = Hosts()
    hosts.client_host.interface_mtu = mtu
    hosts.client.association.path_mtu.search(MAX_RECEIVED_PACKET, hosts.now)
    hosts.settle(0.1)
    assert hosts.size == size
    larger = [one for one in (*LOW_SIZES, MAX_PACKET_SIZE, *LARGE_SIZES) if one > mtu]
    assert set(hosts.client_host.rejected) <= set(larger)
    assert len(hosts.client_host.rejected) == len(set(hosts.client_host.rejected))


@pytest.mark.parametrize("seed", range(5))
def test_lost_probes_are_repeated(seed: int) -> None:
    assert Hosts(loss=0.2, seed=seed).search().size > MAX_PACKET_SIZE


def test_search_respects_the_limit_of_the_peer() -> None:
    hosts = Hosts(9_000).search(9_000)
    assert hosts.size == 8_912
    assert max(hosts.client_host.probes) == 8_912


@pytest.mark.parametrize(("mtu", "size"), [(None, MAX_PACKET_SIZE), (1_100, 1_028), (600, MIN_PACKET_SIZE)])
def test_peers_without_a_limit_are_probed_up_to_the_base_size(mtu: int | None, size: int) -> None:
    """Their probes have no PAD chunks, for which Pion drops the packet."""
    hosts = Hosts(mtu, fragments=False).search(0)
    assert hosts.size == size
    assert max(hosts.client_host.probes) == MAX_PACKET_SIZE


def test_packets_have_the_minimum_size_until_the_base_size_is_confirmed() -> None:
    hosts = Hosts(MIN_PACKET_SIZE, fragments=False)
    channel, _ = hosts.open()
    hosts.client.association.path_mtu.search(MAX_RECEIVED_PACKET, hosts.now)
    assert hosts.deliver(channel) < 0.1


@pytest.mark.parametrize("mtu", [1_400, 1_187, 1_000, MIN_PACKET_SIZE])
@pytest.mark.parametrize("before", [15_872, 1_188])
def test_fall_of_the_mtu_costs_nothing_where_packets_are_fragmented(mtu: int, before: int) -> None:
    hosts = Hosts(before).search()
    assert hosts.size == before
    channel, _ = hosts.open()
    hosts.client_host.set_mtu(mtu, fragments=True)
    for _ in range(3):
        assert hosts.deliver(channel) < 0.1
    assert not hosts.client.closed


@pytest.mark.parametrize("mtu", [1_400, 1_187, 1_000, MIN_PACKET_SIZE])
def test_black_hole_for_unsent_data(mtu: int) -> None:
    """Short chunks find the black hole by being bundled; afterwards long messages are sent in packets that pass."""
    hosts = Hosts().search()
    channel, _ = hosts.open()
    hosts.client_host.set_mtu(mtu, fragments=False)
    for _ in range(40):
        channel.send(bytes(60))
    hosts.run(lambda: len(hosts.server.messages["x"]) == 40, limit=2.0)
    assert hosts.size < 15_872
    assert hosts.deliver(channel) < 0.1
    hosts.settle(SEARCH)
    assert hosts.size == max(one for one in (MIN_PACKET_SIZE, *LOW_SIZES, MAX_PACKET_SIZE) if one <= mtu)
    assert not hosts.client.closed


@pytest.mark.parametrize("mtu", [1_400, 1_187, 1_000, MIN_PACKET_SIZE])
@pytest.mark.parametrize("small_messages", [False, True])
def test_association_with_a_chunk_that_can_never_arrive_is_aborted(mtu: int, small_messages: bool) -> None:
    """Short messages that pass meanwhile do not conceal it. A new association starts with short packets."""
    hosts = Hosts().search()
    channel, _ = hosts.open()
    other, _ = hosts.open("other")
    fell_at = hosts.now
    hosts.client_host.set_mtu(mtu, fragments=False)
    channel.send(MESSAGE)
    while not hosts.client.closed and hosts.now < fell_at + 60:
        if small_messages:
            other.send(bytes(100))
        hosts.settle(0.1)
    assert hosts.client.closed == [CloseReason.TIMEOUT]
    assert hosts.server.closed == [CloseReason.ABORTED]
    assert hosts.now - fell_at < 10


def test_search_upwards_after_the_mtu_has_risen_again() -> None:
    hosts = Hosts().search()
    channel, _ = hosts.open()
    hosts.client_host.set_mtu(1_100, fragments=False)
    for _ in range(40):
        channel.send(bytes(60))
    hosts.settle(SEARCH)
    assert hosts.size == 1_028
    hosts.client_host.set_mtu(None, fragments=False)
    hosts.settle(RAISE_TIMER + SEARCH)
    assert hosts.size == MAX_RECEIVED_PACKET


def test_outage_is_not_a_black_hole() -> None:
    """While the path is down, unanswered probes do not count."""
    hosts = Hosts().search()
    channel, _ = hosts.open()
    channel.send(MESSAGE)
    for link in (hosts.network.a_to_b, hosts.network.b_to_a):
        link.is_down = True
    hosts.settle(20.0)
    assert hosts.size == MIN_PACKET_SIZE
    for link in (hosts.network.a_to_b, hosts.network.b_to_a):
        link.is_down = False
    hosts.settle(3.0)
    assert hosts.size == MAX_RECEIVED_PACKET
    assert hosts.server.messages["x"] == [MESSAGE]
    assert not hosts.client.closed


@pytest.mark.parametrize("seed", range(5))
def test_losses_abort_no_association(seed: int) -> None:
    hosts = Hosts(loss=0.3, seed=seed).search()
    channel, _ = hosts.open()
    hosts.deliver(channel, BLOB, limit=200.0)
    assert not hosts.client.closed


def test_new_path_starts_with_short_packets() -> None:
    hosts = Hosts().search()
    association = hosts.client.association
    hosts.client_host.set_mtu(9_000, fragments=True)
    association.path_mtu.search(MAX_RECEIVED_PACKET, hosts.now)
    assert hosts.size == MIN_PACKET_SIZE
    assert association.congestion.cwnd <= association.congestion.max_cwnd
    hosts.settle(SEARCH)
    assert hosts.size == 8_912


def answer(chunk: bytes) -> bytes:
    """Return the body of the HEARTBEAT ACK to a HEARTBEAT chunk."""
    return chunk[4:]


def test_unsuccessful_search_is_repeated_later() -> None:
    sizes: list[int] = []
    mtu = PathMtu(1_000, sizes.append)
    mtu.search(MAX_RECEIVED_PACKET, 0.0)
    probes = 0
    while mtu.timer_at < RAISE_TIMER:
        now = mtu.timer_at
        if taken := mtu.take_probe(now):
            probes += 1
            mtu.receive_heartbeat_ack(answer(taken[0]), now)
    assert probes == len((1_000, 756)) * MAX_PROBES
    assert sizes == [MIN_PACKET_SIZE]
    assert mtu.is_too_long(505)
    again = mtu.timer_at
    taken = mtu.take_probe(again)
    assert taken is not None
    _, (heartbeat, padding) = taken
    assert len(heartbeat) + len(padding) + 12 == 1_000
    for foreign in (b"", b"another", bytes(16)):
        mtu.receive_heartbeat_ack(foreign, again)
    assert sizes == [MIN_PACKET_SIZE]
    for _ in range(2):
        mtu.receive_heartbeat_ack(answer(heartbeat), again)
    assert sizes == [MIN_PACKET_SIZE, 1_000]


def test_late_answer_to_a_probe_counts() -> None:
    mtu = PathMtu(MAX_PACKET_SIZE, lambda _: None)
    mtu.search(MAX_RECEIVED_PACKET, 0.0)
    first = mtu.take_probe(0.0)
    assert first is not None
    assert mtu.take_probe(PROBE_TIMER) is not None
    mtu.receive_heartbeat_ack(answer(first[1][0]), PROBE_TIMER + 0.1)
    assert mtu.size == MAX_PACKET_SIZE


def test_answers_of_a_previous_search_do_not_count() -> None:
    mtu = PathMtu(MAX_PACKET_SIZE, lambda _: None)
    mtu.search(MAX_RECEIVED_PACKET, 0.0)
    first = mtu.take_probe(0.0)
    assert first is not None
    mtu.search(MAX_RECEIVED_PACKET, 0.1)
    assert mtu.take_probe(0.1) is not None
    mtu.receive_heartbeat_ack(answer(first[1][0]), 0.2)
    assert mtu.size == MIN_PACKET_SIZE


def fail_on_size(_: int) -> None:
    pytest.fail("the size must not change")


@pytest.mark.parametrize("action", [PathMtu.suspect_black_hole, PathMtu.reject_probe])
def test_without_a_search_the_size_is_the_base_size(action: Callable[[PathMtu, float], None]) -> None:
    mtu = PathMtu(1_000, fail_on_size)
    action(mtu, 1.0)
    assert mtu.timer_at == NEVER
    assert not mtu.is_too_long(2_000)
