from __future__ import annotations

import random
from itertools import pairwise

import pytest

from livekit.testing.netem import Link, LinkOptions, Network


def link(options: LinkOptions) -> Link[bytes]:
    return Link(options, random.Random(5))


def run(one: Link[bytes], count: int = 10_000, every: float = 0.001) -> list[bytes]:
    for index in range(count):
        one.send(index.to_bytes(4, "big"), 4, index * every)
    return one.receive(float("inf"))


def test_delay() -> None:
    one = link(LinkOptions(delay=0.5))
    one.send(b"a", 1, 1.0)
    assert one.next_arrival() == 1.5
    assert one.receive(1.4) == []
    assert one.receive(1.5) == [b"a"]
    assert one.next_arrival() is None


def test_order_is_kept_without_jitter() -> None:
    arrived = run(link(LinkOptions(delay=0.01)))
    assert arrived == sorted(arrived)


REORDERING = [LinkOptions(jitter=0.01), LinkOptions(delay=0.01, reorder=0.1), LinkOptions(reorder=0.25)]


@pytest.mark.parametrize("options", REORDERING)
def test_reordering(options: LinkOptions) -> None:
    arrived = run(link(options))
    assert arrived != sorted(arrived)
    assert len(set(arrived)) == 10_000


def test_duplicates() -> None:
    assert 10_800 < len(run(link(LinkOptions(duplicate=0.1)))) < 11_200


@pytest.mark.parametrize("burst", [1, 5])
def test_loss_and_the_length_of_its_bursts(burst: int) -> None:
    arrived = [int.from_bytes(data, "big") for data in run(link(LinkOptions(loss=0.2, loss_burst=burst)), 40_000)]
    lost = 40_000 - len(arrived)
    assert 0.17 < lost / 40_000 < 0.23
    bursts = sum(after - before > 1 for before, after in pairwise(arrived))
    assert lost / bursts == pytest.approx(5 if burst == 5 else 1.25, rel=0.1)


def test_all_or_nothing() -> None:
    assert run(link(LinkOptions(loss=1.0))) == []
    assert len(run(link(LinkOptions()))) == 10_000


def test_rate_and_queue() -> None:
    one = link(LinkOptions(rate=1000.0, queue=250))
    for _ in range(4):
        one.send(bytes(100), 100, 0.0)
    assert one.lost == 2
    assert one.next_arrival() == pytest.approx(0.1)
    assert len(one.receive(0.15)) == 1
    assert one.next_arrival() == pytest.approx(0.2)


class Echo:
    """Sends back what it gets, `count` times, and once at `timer`."""

    def __init__(self, count: int, timer: float | None = None) -> None:
        self.count = count
        self.timer = timer
        self.out: list[bytes] = []
        self.got: list[tuple[float, bytes]] = []

    def receive_datagram(self, data: bytes, now: float) -> None:
        self.got.append((now, data))
        if self.count:
            self.count -= 1
            self.out.append(data)

    def datagrams_to_send(self, now: float) -> list[bytes]:
        out, self.out = self.out, []
        return out

    def next_timer(self) -> float | None:
        return self.timer

    def handle_timer(self, now: float) -> None:
        self.timer = None
        self.out.append(b"timer")


def test_network_runs_in_virtual_time() -> None:
    a, b = Echo(1, timer=2.0), Echo(2)
    network = Network(a, b, seed=1, link=LinkOptions(delay=0.5), back=LinkOptions(delay=0.25))
    assert network.run(until=lambda: len(b.got) == 2, limit=10)
    assert network.now == pytest.approx(3.25)
    assert a.got == [(2.75, b"timer")]
    assert not network.run(until=lambda: False, limit=10)
    assert network.now == pytest.approx(13.25)
