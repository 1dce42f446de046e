from __future__ import annotations

import asyncio

import pytest

from livekit.rpc.loop_timer import LoopTimer
from tests.rpc.shell_fixtures import until


class Core:
    """A core with a list of timers that records when each fires."""

    def __init__(self, *times: float) -> None:
        self.times = sorted(times)
        self.fired: list[float] = []
        self.error: Exception | None = None

    def next_timer(self) -> float | None:
        return self.times[0] if self.times else None

    def handle_timer(self, now: float) -> None:
        while self.times and self.times[0] <= now:
            self.fired.append(self.times.pop(0))
        if self.error is not None:
            error, self.error = self.error, None
            raise error


async def passed(core: Core) -> None:
    await until(lambda: not core.times)


async def test_timers_fire_in_order() -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    core = Core(start + 0.01, start + 0.02, start - 1)
    timer = LoopTimer(loop, core)
    timer.update()
    await passed(core)
    assert core.fired == [start - 1, start + 0.01, start + 0.02]
    assert loop.time() >= start + 0.02


async def test_an_earlier_timer_replaces_the_armed_one() -> None:
    loop = asyncio.get_running_loop()
    core = Core(loop.time() + 60.0)
    timer = LoopTimer(loop, core)
    timer.update()
    first = timer._handle
    timer.update()
    assert timer._handle is first
    core.times.insert(0, loop.time())
    timer.update()
    assert first is not None
    assert first.cancelled()
    await until(lambda: len(core.times) == 1)
    assert len(core.fired) == 1
    assert timer._handle is not None
    timer.close()


async def test_closed_and_idle_timers_leave_no_loop_timer() -> None:
    loop = asyncio.get_running_loop()
    core = Core()
    timer = LoopTimer(loop, core)
    timer.update()
    assert timer._handle is None
    core.times = [loop.time()]
    timer.update()
    timer.close()
    timer.close()
    await asyncio.sleep(0.005)
    assert core.fired == []


async def test_timers_survive_an_exception_in_the_core() -> None:
    loop = asyncio.get_running_loop()
    errors: list[object] = []
    loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))
    core = Core(loop.time(), loop.time() + 0.005)
    core.error = LookupError("a bug")
    timer = LoopTimer(loop, core)
    timer.update()
    await passed(core)
    assert len(core.fired) == 2
    assert [type(error) for error in errors] == [LookupError]
    with pytest.raises(LookupError):
        raise errors[0]  # type: ignore[misc]
