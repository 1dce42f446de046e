from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from livekit.rpc import wire
from livekit.rpc.errors import RpcError
from livekit.rpc.handler_runner import run_handler
from livekit.rpc.invocation import IncomingRpcNext, RpcHandler, RpcInterceptor, RpcInvocationData
from livekit.rpc.registry import RpcRegistry

INVOCATION = RpcInvocationData("id", "alice", "payload", 1.0, "m")
word: contextvars.ContextVar[str] = contextvars.ContextVar("word", default="unset")


async def run(handler: RpcHandler, *, executor: ThreadPoolExecutor | None = None, slow_after: float = 10.0) -> object:
    registry = RpcRegistry()
    registry.register("m", handler, replace=False, executor=executor)
    return await run_handler(registry, INVOCATION, slow_after)


async def coroutine(invocation: RpcInvocationData) -> str:
    await asyncio.sleep(0)
    return invocation.payload


def sync(invocation: RpcInvocationData) -> str:
    return invocation.payload


def future(invocation: RpcInvocationData) -> asyncio.Future[str]:
    answer = asyncio.get_running_loop().create_future()
    answer.get_loop().call_soon(answer.set_result, invocation.payload)
    return answer


class CallableObject:
    async def __call__(self, invocation: RpcInvocationData) -> str:
        return await coroutine(invocation)


HANDLERS: list[RpcHandler] = [
    coroutine,
    sync,
    future,
    CallableObject(),
    functools.partial(coroutine),
    functools.partial(sync),
    lambda invocation: coroutine(invocation),  # noqa: PLW0108 - lambdas are handlers, too
]


@pytest.mark.parametrize("handler", HANDLERS)
async def test_row_19_handlers_of_every_kind(handler: RpcHandler) -> None:
    assert await run(handler) == "payload"


async def test_row_12_an_unregistered_method() -> None:
    with pytest.raises(RpcError) as caught:
        await run_handler(RpcRegistry(), INVOCATION, 1.0)
    assert caught.value.code == RpcError.ErrorCode.UNSUPPORTED_METHOD


async def test_row_25_interceptors_run_for_unknown_methods() -> None:
    class Answering(RpcInterceptor):
        async def intercept_incoming(self, invocation: RpcInvocationData, next: IncomingRpcNext) -> str | None:
            try:
                return await next(invocation)
            except RpcError as error:
                return f"intercepted {int(error.code)}"

    registry = RpcRegistry()
    registry.add_interceptor(Answering())
    assert await run_handler(registry, INVOCATION, 1.0) == "intercepted 1400"


@pytest.mark.parametrize("handler", [coroutine, sync])
async def test_row_21_in_an_executor(handler: Callable[[RpcInvocationData], object]) -> None:
    threads: list[int] = []

    def handle(invocation: RpcInvocationData) -> object:
        threads.append(threading.get_ident())
        assert word.get() == "set"
        return handler(invocation)

    word.set("set")
    with ThreadPoolExecutor(1) as executor:
        assert await run(handle, executor=executor) == "payload"  # type: ignore[arg-type]
    assert threads != [threading.get_ident()]


def block(invocation: RpcInvocationData) -> None:
    time.sleep(0.02)


async def block_after_a_turn(invocation: RpcInvocationData) -> None:
    await asyncio.sleep(0)
    time.sleep(0.02)  # noqa: ASYNC251 - the blocking that causes the warning


async def wait(invocation: RpcInvocationData) -> None:
    await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("handler", "warned"), [(block, True), (block_after_a_turn, True), (wait, False), (sync, False)]
)
async def test_row_21_a_blocking_handler_is_named_in_a_warning(
    handler: RpcHandler, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    await run(handler, slow_after=0.01)
    assert ("'m' blocked the event loop" in caplog.text) == warned


async def test_row_21_a_slow_handler_in_an_executor_causes_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    with ThreadPoolExecutor(1) as executor:
        await run(block, executor=executor, slow_after=0.01)
    assert caplog.text == ""


async def test_an_instrumented_coroutine_is_cancelled_normally() -> None:
    log: list[str] = []

    async def handler(invocation: RpcInvocationData) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("cancelled")
            await asyncio.sleep(0)
            log.append("cleaned up")
            raise
        return ""

    task = asyncio.ensure_future(run(handler))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["cancelled", "cleaned up"]


async def test_exceptions_pass_in_both_directions() -> None:
    async def handler(invocation: RpcInvocationData) -> str:
        failing = asyncio.get_running_loop().create_future()
        failing.get_loop().call_soon(failing.set_exception, LookupError("inner"))
        with pytest.raises(LookupError):
            await failing
        raise KeyError("outer")

    with pytest.raises(KeyError, match="outer"):
        await run(handler)


async def test_closing_the_coroutine_closes_the_handler() -> None:
    log: list[str] = []

    async def handler(invocation: RpcInvocationData) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            log.append("closed")
        return ""

    running = run(handler)
    running.send(None)
    running.close()
    assert log == ["closed"]


@pytest.mark.parametrize(("caller", "expected"), [("id", '["a", "b"]'), ("alice", None)])
async def test_only_the_server_may_list_methods(caller: str, expected: str | None) -> None:
    registry = RpcRegistry()
    for method in ("b", "a"):
        registry.register(method, sync, replace=False, executor=None)
    invocation = RpcInvocationData("id", caller, "", 1.0, wire.METHODS_METHOD)
    if expected is not None:
        assert await run_handler(registry, invocation, 10.0) == expected
    else:
        with pytest.raises(RpcError) as caught:
            await run_handler(registry, invocation, 10.0)
        assert caught.value.code == RpcError.ErrorCode.UNSUPPORTED_METHOD
