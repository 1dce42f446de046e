"""Runs a handler, sync or async, on the event loop or in an executor, inside the interceptors."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import time
import types
from collections.abc import Callable, Generator
from contextvars import copy_context
from functools import partial
from typing import Any, cast

from . import wire
from .errors import RpcError, built_in_error
from .invocation import RpcHandler, RpcInvocationData, chain_incoming
from .registry import RpcRegistry

logger = logging.getLogger("livekit.rpc")


async def run_handler(registry: RpcRegistry, invocation: RpcInvocationData, slow_after: float) -> str | None:
    """Run the handler of an invocation inside the interceptors. Also answers the server's query for methods.

    Args:
        slow_after: log a warning if the handler blocks the event loop for more than this many seconds.

    Raises:
        RpcError: UNSUPPORTED_METHOD if no handler is registered, or any error that the handler raised.
    """
    if invocation.method == wire.METHODS_METHOD and invocation.is_from_backend:
        return json.dumps(sorted(registry.handlers))
    if not registry.interceptors:
        return await _call(registry, slow_after, invocation)
    return await chain_incoming(registry.interceptors, partial(_call, registry, slow_after))(invocation)


async def _call(registry: RpcRegistry, slow_after: float, invocation: RpcInvocationData) -> str | None:
    """Return the handler's result. Its type is not checked here; `Responder.finish` does."""
    method = invocation.method
    handler = registry.handlers.get(method)
    if handler is None:
        raise built_in_error(RpcError.ErrorCode.UNSUPPORTED_METHOD)
    executor = registry.executors.get(method)
    if executor is not None:
        run = _in_current_context(handler, invocation)
        result: Any = await asyncio.get_running_loop().run_in_executor(executor, run)
    else:
        detector = _BlockingDetector(method, slow_after)
        result = detector.measure(handler, invocation)
        if inspect.iscoroutine(result):
            result = _instrumented(result, detector)
    if inspect.isawaitable(result):
        result = await result
    return cast("str | None", result)


def _in_current_context(handler: RpcHandler, invocation: RpcInvocationData) -> Callable[[], object]:
    context = copy_context()
    return lambda: context.run(handler, invocation)


class _BlockingDetector:
    """Logs a warning if a handler blocks the event loop."""

    def __init__(self, method: str, slow_after: float) -> None:
        self._method = method
        self._slow_after = slow_after

    def measure(self, step: Callable[[Any], Any], argument: Any) -> Any:
        """Run one step of the handler."""
        started = time.perf_counter()
        try:
            return step(argument)
        finally:
            took = time.perf_counter() - started
            if took > self._slow_after:
                logger.warning(
                    "the handler of RPC method %r blocked the event loop for %.0f ms; await instead of blocking, "
                    "or register it with executor=...",
                    self._method,
                    took * 1000,
                )
            del step, argument  # may be an exception whose traceback refers to this frame


@types.coroutine
def _instrumented(
    coroutine: types.CoroutineType[Any, Any, Any], detector: _BlockingDetector
) -> Generator[Any, Any, Any]:
    """Await a coroutine, measuring each of its steps."""
    step: Callable[[Any], Any] = coroutine.send
    argument: Any = None
    while True:
        try:
            yielded = detector.measure(step, argument)
        except StopIteration as stop:
            return stop.value
        finally:
            argument = None  # may be an exception whose traceback refers to this frame
        try:
            sent = yield yielded
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as error:
            step, argument = coroutine.throw, error
        else:
            step, argument = coroutine.send, sent
