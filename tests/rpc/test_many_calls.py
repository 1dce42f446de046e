"""Ends of very many calls at once: the event loop gets them in slices."""

from __future__ import annotations

import asyncio
import gc
import traceback
from collections import Counter
from collections.abc import Callable, Coroutine

import pytest

from livekit.protocol import models
from livekit.rpc.errors import RpcError
from livekit.rpc.invocation import RpcCallInfo, RpcInvocationData
from livekit.rpc.local_rpc import LocalRpc
from livekit.rpc.request_window import RequestWindow
from tests.rpc.core_fixtures import Code
from tests.rpc.shell_fixtures import Endpoint, pair, until

COUNT = 1_050
LIMIT = 250
"""Most calls that may end in one iteration of the event loop."""


class Iterations:
    """Counts events by the iteration of the event loop in which they occur."""

    def __init__(self) -> None:
        self.events: Counter[int] = Counter()
        self._number = 0
        self._loop = asyncio.get_running_loop()
        self._handle = self._loop.call_soon(self._next)

    def record(self, _: object = None) -> None:
        self.events[self._number] += 1

    def stop(self) -> None:
        self._handle.cancel()

    def _next(self) -> None:
        self._number += 1
        self._handle = self._loop.call_soon(self._next)


CALL = RpcCallInfo("bob", "silent", "")


async def pending_calls() -> tuple[Endpoint, list[asyncio.Task[str]]]:
    """Return Alice and her `COUNT` calls, all sent to a Bob who answers nothing."""
    alice, _ = pair()
    alice.client._window = RequestWindow(COUNT)
    alice.link.deaf = True
    tasks = [asyncio.ensure_future(alice.client.perform(CALL)) for _ in range(COUNT)]
    await until(lambda: len(alice.client.caller) == COUNT)
    return alice, tasks


async def failures(tasks: list[asyncio.Task[str]]) -> set[int]:
    """Return the codes with which the calls fail."""
    await asyncio.wait(tasks)
    errors = [task.exception() for task in tasks]
    return {error.code for error in errors if isinstance(error, RpcError)}


async def peer_left(alice: Endpoint) -> None:
    alice.client.peer_left("bob")


async def peer_missing(alice: Endpoint) -> None:
    alice.client.peer_missing("bob")


async def disconnect(alice: Endpoint) -> None:
    await alice.client.close_all()


@pytest.mark.parametrize("end", [peer_left, peer_missing, disconnect])
async def test_pending_calls_fail_in_slices(end: Callable[[Endpoint], Coroutine[None, None, None]]) -> None:
    alice, tasks = await pending_calls()
    iterations = Iterations()
    for task in tasks:
        task.add_done_callback(iterations.record)
    await end(alice)
    codes = await failures(tasks)
    iterations.stop()
    assert codes == {Code.RECIPIENT_DISCONNECTED}
    assert max(iterations.events.values()) <= LIMIT


async def test_a_call_to_a_peer_that_returns_does_not_fail_with_the_earlier_ones() -> None:
    alice, tasks = await pending_calls()
    alice.client.peer_left("bob")
    assert len(alice.client.caller) == 0
    alice.client.peer_changed("bob")
    later = asyncio.ensure_future(alice.client.perform(CALL))
    assert await failures(tasks) == {Code.RECIPIENT_DISCONNECTED}
    assert not later.done()
    await alice.client.close_all()
    await asyncio.gather(later, return_exceptions=True)


def request(request_id: str) -> models.RpcRequest:
    return models.RpcRequest(id=request_id, method="slow", version=1, response_timeout_ms=5_000)


async def test_running_handlers_are_cancelled_in_slices() -> None:
    _, bob = pair()
    iterations = Iterations()
    started: list[RpcInvocationData] = []

    async def handler(invocation: RpcInvocationData) -> str:
        started.append(invocation)
        try:
            await asyncio.Event().wait()
        finally:
            iterations.record()
        return ""

    bob.registry.register("slow", handler, replace=False, executor=None)
    for number in range(COUNT):
        bob.callee.receive_request("alice", request(f"{number}"))
    await until(lambda: len(started) == COUNT)
    await bob.callee.close()
    iterations.stop()
    assert sum(iterations.events.values()) == COUNT
    assert max(iterations.events.values()) <= LIMIT


async def held_objects(count: int, start: Callable[[], object]) -> float:
    """Return the number of objects that the garbage collector tracks for each of `count` calls."""
    start()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(count):
        start()
    for _ in range(10):
        await asyncio.sleep(0)
    gc.collect()
    return (len(gc.get_objects()) - before) / count


async def test_pending_calls_hold_few_objects() -> None:
    """A full garbage collection, which CPython starts as objects accumulate, stops the event loop for all of them."""
    alice, _ = pair()
    alice.link.deaf = True
    rpc = LocalRpc()
    rpc.client = alice.client
    tasks: list[asyncio.Task[str]] = []

    def call() -> None:
        alice.link.sent.clear()
        coroutine = rpc.perform(RpcCallInfo("bob", "silent", ""), wait_for_ready=False)
        tasks.append(asyncio.get_running_loop().create_task(coroutine))

    assert await held_objects(1_000, call) < 14
    await alice.client.close_all()
    assert await failures(tasks) == {Code.RECIPIENT_DISCONNECTED}


async def test_failed_calls_keep_no_frames_of_the_sdk_alive_and_form_no_reference_cycles() -> None:
    alice, bob = pair()
    rpc = LocalRpc()
    rpc.client = alice.client
    started: list[str] = []

    async def handler(invocation: RpcInvocationData) -> str:
        started.append(invocation.method)
        await asyncio.Event().wait()
        return ""

    bob.registry.register("slow", handler, replace=False, executor=None)
    gc.collect()
    gc.disable()
    try:
        task = asyncio.ensure_future(rpc.perform(RpcCallInfo("bob", "slow", ""), wait_for_ready=False))
        await until(lambda: bool(started))
        await bob.callee.close()
        error = (await asyncio.gather(task, return_exceptions=True))[0]
        assert isinstance(error, RpcError)
        frames = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
        assert frames[-1] == "_perform", "the frame in which the call was made, and none below it"
        del task, error
        await asyncio.sleep(0)
        assert gc.collect() == 0
    finally:
        gc.enable()
