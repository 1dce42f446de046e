from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise

import pytest

from livekit.testing.netem import Link, LinkOptions, Network


def link(options: LinkOptions) -> Link[bytes]:
    return Link(options, random.Random(5))


def send_and_receive(one: Link[bytes], count: int = 10_000, interval: float = 0.001) -> list[bytes]:
    for index in range(count):
        one.send(index.to_bytes(4, "big"), 4, index * interval)
    return one.receive(float("inf"))


def test_delay_postpones_arrival() -> None:
    one = link(LinkOptions(delay=0.5))
    one.send(b"a", 1, 1.0)
    assert one.next_arrival() == 1.5
    assert one.receive(1.4) == []
    assert one.receive(1.5) == [b"a"]
    assert one.next_arrival() is None


def test_no_jitter_keeps_the_order() -> None:
    arrived = send_and_receive(link(LinkOptions(delay=0.01)))
    assert arrived == sorted(arrived)


REORDERING = [LinkOptions(jitter=0.01), LinkOptions(delay=0.01, reorder=0.1), LinkOptions(reorder=0.25)]


@pytest.mark.parametrize("options", REORDERING)
def test_jitter_and_reorder_reorder(options: LinkOptions) -> None:
    arrived = send_and_receive(link(options))
    assert arrived != sorted(arrived)
    assert len(set(arrived)) == 10_000


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("delay", -0.1, "negative"),
        ("jitter", -0.1, "negative"),
        ("queue", -1, "negative"),
        ("loss", 1.1, "probability"),
        ("duplicate", -0.1, "probability"),
        ("reorder", 2.0, "probability"),
        ("rate", 0.0, "positive"),
        ("mtu", 0, "positive"),
    ],
)
def test_options_out_of_range_raise(option: str, value: float, message: str) -> None:
    with pytest.raises(ValueError, match=f"{option}.*{message}"):
        LinkOptions(**{option: value})  # type: ignore[arg-type]


def test_datagrams_over_the_mtu_and_on_a_downed_link_are_dropped() -> None:
    one = link(LinkOptions(mtu=100))
    one.send(bytes(100), 100, 0.0)
    one.send(bytes(101), 101, 0.0)
    one.is_down = True
    one.send(bytes(1), 1, 0.0)
    assert one.receive(0.0) == [bytes(100)]
    assert (one.sent, one.lost) == (3, 2)


def test_duplicate_rate() -> None:
    assert 10_800 < len(send_and_receive(link(LinkOptions(duplicate=0.1)))) < 11_200


@pytest.mark.parametrize("burst", [1, 5])
def test_loss_rate_and_mean_burst_length(burst: int) -> None:
    arrived = [
        int.from_bytes(data, "big") for data in send_and_receive(link(LinkOptions(loss=0.2, loss_burst=burst)), 40_000)
    ]
    lost = 40_000 - len(arrived)
    assert 0.17 < lost / 40_000 < 0.23
    bursts = sum(after - before > 1 for before, after in pairwise(arrived))
    assert lost / bursts == pytest.approx(5 if burst == 5 else 1.25, rel=0.1)


def test_loss_of_zero_and_one() -> None:
    assert send_and_receive(link(LinkOptions(loss=1.0))) == []
    assert len(send_and_receive(link(LinkOptions()))) == 10_000


def test_rate_limits_and_the_queue_drops_its_tail() -> None:
    one = link(LinkOptions(rate=1000.0, queue=250))
    for _ in range(4):
        one.send(bytes(100), 100, 0.0)
    assert one.lost == 2
    assert one.next_arrival() == pytest.approx(0.1)
    assert one.queued_bytes(0.0) == pytest.approx(200)
    assert one.queued_bytes(0.15) == pytest.approx(50)
    assert one.queued_bytes(1.0) == 0.0
    assert len(one.receive(0.15)) == 1
    assert one.next_arrival() == pytest.approx(0.2)


class Echo:
    """Echoes the first `count` datagrams, and sends one at `timer`."""

    def __init__(self, count: int, timer: float | None = None) -> None:
        self.count = count
        self.timer = timer
        self.out: list[bytes] = []
        self.received: list[tuple[float, bytes]] = []

    def receive_datagram(self, data: bytes, now: float) -> None:
        self.received.append((now, data))
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
    assert network.run(until=lambda: len(b.received) == 2, limit=10)
    assert network.now == pytest.approx(3.25)
    assert a.received == [(2.75, b"timer")]
    assert not network.run(until=lambda: False, limit=10)
    assert network.now == pytest.approx(13.25)


def test_network_carries_addressed_datagrams() -> None:
    """Only their length matters to the emulator: here it exceeds the MTU once."""
    a, b = Addressed([Packet("x", bytes(10)), Packet("y", bytes(200))]), Addressed([])
    network = Network(a, b, seed=1, link=LinkOptions(delay=0.5, mtu=100))
    assert not network.run(until=lambda: False, limit=1)
    assert b.received == [Packet("x", bytes(10))]
    network.set_link(LinkOptions())
    a.out = [Packet("y", bytes(200))]
    assert network.run(until=lambda: len(b.received) == 2, limit=1)
    b.out = [Packet("z", bytes(200))]
    assert network.run(until=lambda: bool(a.received), limit=1)


@dataclass(frozen=True)
class Packet:
    address: str
    data: bytes

    def __len__(self) -> int:
        return len(self.data)


class Addressed:
    """Sends the given packets once and records those received."""

    def __init__(self, out: list[Packet]) -> None:
        self.out = out
        self.received: list[Packet] = []

    def receive_datagram(self, data: Packet, now: float) -> None:
        self.received.append(data)

    def datagrams_to_send(self, now: float) -> list[Packet]:
        out, self.out = self.out, []
        return out

    def next_timer(self) -> None:
        return None

    def handle_timer(self, now: float) -> None:
        raise AssertionError("no timer runs")
