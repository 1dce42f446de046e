from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livekit.testing import Faults, VirtualClock, run_virtual
from livekit.testing.memory_link import MemoryLink, MemoryPipe

PROBABILITIES = st.floats(0, 1)
SECONDS = st.floats(0, 10)


def make_pipe(
    faults: Faults, *, seed: int = 0, lossy: bool = False
) -> tuple[MemoryLink, MemoryPipe[int], list[tuple[int, float]]]:
    """Return a link, a pipe, and the list of items that arrive, each with the seconds since now."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    arrived: list[tuple[int, float]] = []
    link = MemoryLink(lambda: faults, Random(seed))

    def deliver(item: int) -> None:
        arrived.append((item, loop.time() - start))

    return link, link.pipe(deliver, lossy=lossy, duplicates=True), arrived


def transfer(faults: Faults, count: int, *, seed: int = 0, lossy: bool = False) -> Sequence[tuple[int, float]]:
    """Put `count` items of 100 bytes into a pipe at once; return the items that arrive, with their times."""

    async def main() -> Sequence[tuple[int, float]]:
        _, pipe, arrived = make_pipe(faults, seed=seed, lossy=lossy)
        for number in range(count):
            pipe.put(number, 100)
        await asyncio.sleep(3600)
        assert pipe.buffered_amount == 0
        return arrived

    return run_virtual(main())


@settings(max_examples=40, deadline=None)
@given(SECONDS, SECONDS, PROBABILITIES, PROBABILITIES, st.integers())
def test_reliable_pipes_deliver_everything_in_order(
    delay: float, jitter: float, loss: float, duplicate: float, seed: int
) -> None:
    faults = Faults(delay=delay, jitter=jitter, loss=loss, duplicate=duplicate, bandwidth=10_000)
    arrived = transfer(faults, 20, seed=seed)
    deduplicated = list(dict.fromkeys(item for item, _ in arrived))
    assert deduplicated == list(range(20))
    assert all(time >= delay for _, time in arrived)


def test_lossy_pipes_lose_items() -> None:
    arrived = transfer(Faults(loss=0.5), 1000, lossy=True)
    assert 400 < len(arrived) < 600


def test_lossy_pipes_reorder_items() -> None:
    items = [item for item, _ in transfer(Faults(jitter=1.0), 100, lossy=True)]
    assert items != sorted(items)
    assert sorted(items) == list(range(100))


def test_duplicates_are_delivered_twice() -> None:
    items = [item for item, _ in transfer(Faults(duplicate=1.0), 10)]
    assert sorted(items) == sorted([*range(10), *range(10)])


def test_equal_seeds_give_equal_deliveries() -> None:
    faults = Faults(delay=0.1, jitter=0.3, loss=0.2, duplicate=0.2)
    runs = [[item for item, _ in transfer(faults, 200, seed=seed, lossy=True)] for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_bandwidth_spaces_deliveries() -> None:
    """20 items of 100 bytes at 1,000 bytes per second."""
    times = [time for _, time in transfer(Faults(bandwidth=1000), 20)]
    assert times == pytest.approx([0.1 * (number + 1) for number in range(20)])


async def test_delivery_is_never_synchronous(clock: VirtualClock) -> None:
    """An item arrives in a later iteration of the event loop, at the same virtual time."""
    _, pipe, arrived = make_pipe(Faults())
    pipe.put(1)
    assert not arrived
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert arrived == [(1, 0.0)]


async def test_items_are_queued_from_hold_to_release(clock: VirtualClock) -> None:
    link, pipe, arrived = make_pipe(Faults(delay=0.5))
    pipe.put(1, 10)
    link.hold()
    pipe.put(2, 10)
    await asyncio.sleep(5)
    assert not arrived
    assert pipe.buffered_amount == 20
    link.release()
    await asyncio.sleep(0.1)
    assert [item for item, _ in arrived] == [1, 2]
    assert pipe.buffered_amount == 0


async def test_a_shorter_delay_lets_a_lossy_item_overtake(clock: VirtualClock) -> None:
    """The timer set for the slower item is replaced by an earlier one."""
    faults = [Faults(delay=10.0)]
    arrived: list[int] = []
    link = MemoryLink(lambda: faults[-1], Random(0))
    pipe = link.pipe(arrived.append, lossy=True)
    pipe.put(1)
    faults.append(Faults(delay=1.0))
    pipe.put(2)
    await asyncio.sleep(2)
    assert arrived == [2]
    await asyncio.sleep(9)
    assert arrived == [2, 1]


async def test_a_closed_pipe_delivers_nothing(clock: VirtualClock) -> None:
    _, pipe, arrived = make_pipe(Faults(delay=1.0))
    pipe.put(1)
    pipe.close()
    pipe.put(2)
    await asyncio.sleep(5)
    assert not arrived


async def test_a_receiver_may_close_the_pipe(clock: VirtualClock) -> None:
    arrived: list[int] = []
    link = MemoryLink(Faults, Random(0))

    def deliver(item: int) -> None:
        arrived.append(item)
        pipe.close()

    pipe = link.pipe(deliver)
    pipe.put(1)
    pipe.put(2)
    await asyncio.sleep(1)
    assert arrived == [1]


async def test_an_exception_in_a_receiver_is_logged(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    arrived: list[int] = []

    def deliver(item: int) -> None:
        if item == 1:
            raise LookupError("a bug in a receiver")
        arrived.append(item)

    pipe = MemoryLink(Faults, Random(0)).pipe(deliver)
    for number in (1, 2):
        pipe.put(number)
    with caplog.at_level(logging.ERROR, "livekit.testing"):
        await asyncio.sleep(1)
    assert arrived == [2]
    assert "a bug in a receiver" in caplog.text


@pytest.mark.parametrize(
    "arguments",
    [{"delay": -1.0}, {"jitter": -0.1}, {"setup": -1.0}, {"loss": 1.5}, {"duplicate": -0.1}, {"bandwidth": 0.0}],
)
def test_faults_out_of_range_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        Faults(**arguments)
