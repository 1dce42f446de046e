"""Running one handler: sync or async, on the loop or in an executor, inside its interceptors."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import time
import types
from collections.abc import Callable, Generator
from contextvars import copy_context
from typing import Any, cast

from . import wire
from .errors import RpcError
from .invocation import RpcInvocationData, chain_incoming
from .registry import RpcRegistry

logger = logging.getLogger("livekit.rpc")


async def run_handler(registry: RpcRegistry, invocation: RpcInvocationData, slow_after: float) -> str | None:
    """Run the interceptors and the handler of an invocation; tell the server which methods there are.

    Args:
        slow_after: seconds of blocking the event loop from which on a warning names the handler.

    Raises:
        RpcError: UNSUPPORTED_METHOD where nobody registered the method, or what the handler raised.
    """

    async def terminal(data: RpcInvocationData) -> str | None:
        return await _call(registry, data, slow_after)

    if invocation.method == wire.METHODS_METHOD and invocation.caller_identity == invocation.request_id:
        return json.dumps(sorted(registry.handlers))
    if not registry.interceptors:
        return await _call(registry, invocation, slow_after)
    return await chain_incoming(registry.interceptors, terminal)(invocation)


async def _call(registry: RpcRegistry, invocation: RpcInvocationData, slow_after: float) -> str | None:
    """What the handler gives; it may be anything, and is checked where it is answered."""
    method = invocation.method
    handler = registry.handlers.get(method)
    if handler is None:
        raise RpcError._built_in(RpcError.ErrorCode.UNSUPPORTED_METHOD)
    executor = registry.executors.get(method)
    if executor is not None:
        context = copy_context()
        run = lambda: context.run(handler, invocation)  # noqa: E731 - a context cannot be typed as a callable here
        result: Any = await asyncio.get_running_loop().run_in_executor(executor, run)
    else:
        watch = _BlockWatch(method, slow_after)
        result = watch.measure(lambda: handler(invocation))
        if inspect.iscoroutine(result):
            result = _watched(result, watch)
    if inspect.isawaitable(result):
        result = await result
    return cast("str | None", result)


class _BlockWatch:
    """Warns when a handler keeps the event loop from everything else."""

    def __init__(self, method: str, slow_after: float) -> None:
        self._method = method
        self._slow_after = slow_after

    def measure(self, step: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        try:
            return step()
        finally:
            took = time.perf_counter() - started
            if took > self._slow_after:
                logger.warning(
                    "the handler of RPC method %r blocked the event loop for %.0f ms; await instead of blocking, "
                    "or register it with executor=...",
                    self._method,
                    took * 1000,
                )


@types.coroutine
def _watched(coroutine: types.CoroutineType[Any, Any, Any], watch: _BlockWatch) -> Generator[Any, Any, Any]:
    """Await a coroutine with each of its steps measured."""
    step: Callable[[], Any] = lambda: coroutine.send(None)  # noqa: E731
    while True:
        try:
            yielded = watch.measure(step)
        except StopIteration as stop:
            return stop.value
        try:
            sent = yield yielded
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as error:
            step = _throwing(coroutine, error)
        else:
            step = _sending(coroutine, sent)


def _sending(coroutine: types.CoroutineType[Any, Any, Any], value: Any) -> Callable[[], Any]:
    return lambda: coroutine.send(value)


def _throwing(coroutine: types.CoroutineType[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: coroutine.throw(error)
