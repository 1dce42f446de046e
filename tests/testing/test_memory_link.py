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


def make(
    faults: Faults, *, seed: int = 0, lossy: bool = False
) -> tuple[MemoryLink, MemoryPipe[int], list[tuple[int, float]]]:
    """A pipe, and what comes out of it with the time it took since now."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    arrived: list[tuple[int, float]] = []
    link = MemoryLink(lambda: faults, Random(seed))

    def deliver(item: int) -> None:
        arrived.append((item, loop.time() - start))

    return link, link.pipe(deliver, lossy=lossy, duplicates=True), arrived


def carried(faults: Faults, count: int, *, seed: int = 0, lossy: bool = False) -> Sequence[tuple[int, float]]:
    """What comes out of a pipe that `count` items of 100 bytes went into at once."""

    async def main() -> Sequence[tuple[int, float]]:
        _, pipe, arrived = make(faults, seed=seed, lossy=lossy)
        for number in range(count):
            pipe.put(number, 100)
        await asyncio.sleep(3600)
        assert pipe.buffered_amount == 0
        return arrived

    return run_virtual(main())


@settings(max_examples=40, deadline=None)
@given(SECONDS, SECONDS, PROBABILITIES, PROBABILITIES, st.integers())
def test_reliable_lanes_keep_everything_in_order(
    delay: float, jitter: float, loss: float, duplicate: float, seed: int
) -> None:
    faults = Faults(delay=delay, jitter=jitter, loss=loss, duplicate=duplicate, bandwidth=10_000)
    arrived = carried(faults, 20, seed=seed)
    first_time = list(dict.fromkeys(item for item, _ in arrived))
    assert first_time == list(range(20))
    assert all(time >= delay for _, time in arrived)


def test_lossy_lanes_lose() -> None:
    arrived = carried(Faults(loss=0.5), 1000, lossy=True)
    assert 400 < len(arrived) < 600


def test_lossy_lanes_reorder() -> None:
    items = [item for item, _ in carried(Faults(jitter=1.0), 100, lossy=True)]
    assert items != sorted(items)
    assert sorted(items) == list(range(100))


def test_duplicates() -> None:
    items = [item for item, _ in carried(Faults(duplicate=1.0), 10)]
    assert sorted(items) == sorted([*range(10), *range(10)])


def test_the_seed_repeats_everything() -> None:
    faults = Faults(delay=0.1, jitter=0.3, loss=0.2, duplicate=0.2)
    runs = [[item for item, _ in carried(faults, 200, seed=seed, lossy=True)] for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_bandwidth() -> None:
    """20 times 100 bytes at 1,000 bytes per second."""
    times = [time for _, time in carried(Faults(bandwidth=1000), 20)]
    assert times == pytest.approx([0.1 * (number + 1) for number in range(20)])


async def test_never_at_once(clock: VirtualClock) -> None:
    """What is sent arrives on a later turn of the loop, without any time passing."""
    _, pipe, arrived = make(Faults())
    pipe.put(1)
    assert not arrived
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert arrived == [(1, 0.0)]


async def test_hold_and_release(clock: VirtualClock) -> None:
    link, pipe, arrived = make(Faults(delay=0.5))
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


async def test_less_delay_from_now_on(clock: VirtualClock) -> None:
    """A lossy item on a quicker way overtakes the timer that was set for a slower one."""
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


async def test_a_closed_lane_carries_nothing(clock: VirtualClock) -> None:
    _, pipe, arrived = make(Faults(delay=1.0))
    pipe.put(1)
    pipe.close()
    pipe.put(2)
    await asyncio.sleep(5)
    assert not arrived


async def test_a_receiver_may_close_the_lane(clock: VirtualClock) -> None:
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


async def test_a_receiver_that_fails(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
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
    "wrong",
    [{"delay": -1.0}, {"jitter": -0.1}, {"setup": -1.0}, {"loss": 1.5}, {"duplicate": -0.1}, {"bandwidth": 0.0}],
)
def test_impossible_faults(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Faults(**wrong)
