from __future__ import annotations

import asyncio
import threading
import time

import pytest

from livekit.testing import VirtualClock, VirtualClockStalledError, run_virtual

YEAR = 365 * 24 * 3600.0


async def test_waiting_takes_no_real_time() -> None:
    started = time.monotonic()
    with VirtualClock() as clock:
        await asyncio.sleep(3600)
        assert clock.elapsed == pytest.approx(3600)
    assert time.monotonic() - started < 60


def test_time_starts_at_zero_and_has_no_float_error() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        times = [loop.time()]
        for delay, count in ((0.2, 100), (1 / 3, 3), (0.1, 1000)):
            for _ in range(count):
                await asyncio.sleep(delay)
            times.append(loop.time())
        return times

    assert run_virtual(main()) == [0.0, 20.0, 21.0, 121.0]


async def test_the_time_reaches_every_timer() -> None:
    """A callback that finds its own deadline not reached sets its timer again; it must not do so without end."""
    loop = asyncio.get_running_loop()
    times: list[float] = []
    deadline = 0.1 + 0.2
    done = asyncio.Event()

    def check() -> None:
        times.append(loop.time())
        if loop.time() < deadline:
            loop.call_at(deadline, check)
        else:
            done.set()

    with VirtualClock():
        loop.call_at(deadline, check)
        await done.wait()
    assert len(times) <= 2


async def test_pending_timers_keep_their_time() -> None:
    """Time does not restart under timers that already run."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    fired: list[float] = []
    loop.call_later(60, lambda: fired.append(loop.time()))
    with VirtualClock() as clock:
        assert loop.time() >= before
        await asyncio.sleep(100)
        assert clock.elapsed == 100
    assert before + 60 <= fired[0] < before + 61


async def test_timers_fire_in_order_at_their_times() -> None:
    loop = asyncio.get_running_loop()
    fired: list[tuple[str, float]] = []
    with VirtualClock() as clock:

        def fire(name: str) -> None:
            fired.append((name, round(clock.elapsed, 6)))

        for name, delay in (("late", 15.0), ("early", 0.25), ("middle", 7.0)):
            loop.call_later(delay, fire, name)
        await asyncio.sleep(20)
    assert fired == [("early", 0.25), ("middle", 7.0), ("late", 15.0)]


async def test_timeouts_expire_in_virtual_time() -> None:
    with VirtualClock() as clock:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.sleep(100), 15)
        assert clock.elapsed == pytest.approx(15)


async def test_time_stands_still_while_code_runs() -> None:
    loop = asyncio.get_running_loop()
    with VirtualClock():
        before = loop.time()
        for _ in range(100):
            await asyncio.sleep(0)
        assert loop.time() == before


async def test_the_clock_is_monotonic() -> None:
    """It also keeps advancing after virtual time ends."""
    loop = asyncio.get_running_loop()
    pending = loop.call_later(YEAR, int)
    times = [loop.time()]
    for _ in range(2):
        with VirtualClock():
            times.append(loop.time())
            await asyncio.sleep(10)
            times.append(loop.time())
        times.append(loop.time())
    await asyncio.sleep(0.01)
    times.append(loop.time())
    assert times == sorted(times)
    assert times[-1] - times[0] >= 20
    pending.cancel()


async def test_time_is_real_while_a_thread_works() -> None:
    """A timer does not overtake a function that runs in an executor."""
    fired: list[str] = []
    release = threading.Event()

    def work() -> str:
        assert release.wait(10)
        return "done"

    with VirtualClock() as clock:
        asyncio.get_running_loop().call_later(3600, fired.append, "too early")
        asyncio.get_running_loop().call_later(0.05, release.set)
        assert await asyncio.to_thread(work) == "done"
        assert clock.elapsed < 60
    assert not fired


async def test_call_soon_threadsafe_wakes_the_loop() -> None:
    loop = asyncio.get_running_loop()
    with VirtualClock():
        woken = asyncio.Event()
        thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(woken.set))
        thread.start()
        await woken.wait()
        thread.join()


def test_deadlock_raises() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(VirtualClockStalledError, match="nothing can wake one"):
        run_virtual(main())


def test_exceeding_the_time_limit_raises() -> None:
    async def main() -> None:
        for _ in range(1000):
            await asyncio.sleep(60)

    with pytest.raises(VirtualClockStalledError, match="only timers fired"):
        run_virtual(main(), limit=1800)


def test_the_time_limit_is_configurable() -> None:
    async def main() -> float:
        before = asyncio.get_running_loop().time()
        await asyncio.sleep(YEAR)
        return asyncio.get_running_loop().time() - before

    assert run_virtual(main(), limit=2 * YEAR) == pytest.approx(YEAR)


def test_results_and_exceptions_propagate() -> None:
    async def fail() -> None:
        await asyncio.sleep(1)
        raise LookupError("out")

    async def debug_mode() -> bool:
        return asyncio.get_running_loop().get_debug()

    with pytest.raises(LookupError, match="out"):
        run_virtual(fail())
    assert run_virtual(debug_mode(), debug=True) is True


def test_pending_tasks_are_cancelled_at_the_end() -> None:
    cancelled: list[str] = []

    async def sleep_long() -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            cancelled.append("sleep_long")
            raise

    async def main() -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(sleep_long())
        await asyncio.sleep(1)
        return task

    assert run_virtual(main()).cancelled()
    assert cancelled == ["sleep_long"]


async def test_nested_clocks_are_refused() -> None:
    with VirtualClock(), pytest.raises(RuntimeError, match="already"), VirtualClock():
        pass
    with VirtualClock():
        pass


def test_uvloop_is_refused() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main() -> None:
        with pytest.raises(RuntimeError, match="use one of asyncio's own event loops"), VirtualClock():
            pass

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
