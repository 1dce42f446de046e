"""RPC handlers and interceptors of a room."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from .errors import RpcArgumentTypeError
from .invocation import RpcHandler, RpcInterceptor

_H = TypeVar("_H", bound=RpcHandler)


class RpcRegistry:
    """The methods and interceptors of a room. They outlive its connections."""

    def __init__(self) -> None:
        self.handlers: dict[str, RpcHandler] = {}
        """Handlers as registered, by method."""
        self.executors: dict[str, Executor] = {}
        """Executors of sync handlers, by method; the other handlers run on the event loop."""
        self.interceptors: tuple[RpcInterceptor, ...] = ()
        """Outermost first. Replaced as a whole, so that a running call keeps the ones it started with."""

    def register(
        self, method: str, handler: RpcHandler | None, *, replace: bool, executor: Executor | None
    ) -> RpcHandler | Callable[[_H], _H]:
        """Register a handler and return it; without a handler, return a decorator that registers one.

        Raises:
            ValueError: the method is empty or already registered.
            TypeError: `handler` is not callable with one argument.
        """
        _check_name(method)
        if handler is None:

            def decorate(decorated: _H) -> _H:
                return self.add(method, decorated, replace=replace, executor=executor)

            return decorate
        return self.add(method, handler, replace=replace, executor=executor)

    def add(self, method: str, handler: _H, *, replace: bool, executor: Executor | None) -> _H:
        """Register a handler and return it. Raises as `register`."""
        if not callable(handler):
            raise TypeError(f"the handler of {method!r} must be callable, not {type(handler).__name__}")
        _check_signature(method, handler)
        if method in self.handlers and not replace:
            raise ValueError(f"method {method!r} is registered already; pass replace=True to replace its handler")
        self.handlers[method] = handler
        self.executors.pop(method, None)
        if executor is not None:
            self.executors[method] = executor
        return handler

    def unregister(self, method: str, *, missing_ok: bool) -> None:
        """Remove a handler.

        Raises:
            KeyError: the method is not registered, and `missing_ok` is False.
        """
        if method not in self.handlers and not missing_ok:
            raise KeyError(method)
        self.handlers.pop(method, None)
        self.executors.pop(method, None)

    def add_interceptor(self, interceptor: RpcInterceptor) -> None:
        """Add an interceptor inside the existing ones. Adding one twice has no effect.

        Raises:
            TypeError: it lacks a method of `RpcInterceptor`, or is a class.
        """
        methods = ("intercept_outgoing", "intercept_incoming")
        if isinstance(interceptor, type) or not all(callable(getattr(interceptor, name, None)) for name in methods):
            name = getattr(interceptor, "__name__", type(interceptor).__name__)
            raise TypeError(f"an interceptor must be an instance of RpcInterceptor, not {name}")
        if not any(known is interceptor for known in self.interceptors):
            self.interceptors = (*self.interceptors, interceptor)

    def remove_interceptor(self, interceptor: RpcInterceptor) -> None:
        """Remove an interceptor. Removing one that was not added has no effect."""
        self.interceptors = tuple(known for known in self.interceptors if known is not interceptor)


def _check_name(method: object) -> None:
    if callable(method):
        raise RpcArgumentTypeError(
            'a method\'s name must be a str, not a function: write @register_rpc_method("name"), with parentheses'
        )
    if not isinstance(method, str):
        raise RpcArgumentTypeError(f"a method's name must be a str, not {type(method).__name__}")
    if not method:
        raise ValueError("a method's name must not be empty")


def _check_signature(method: str, handler: Callable[..., object]) -> None:
    """Raise TypeError unless a handler can be called with one positional argument, as far as can be known."""
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):  # some callables implemented in C have none
        return
    try:
        signature.bind(None)
    except TypeError:
        message = f"the handler of {method!r} must accept one argument, the RpcInvocationData, but its signature is "
        raise TypeError(f"{message}{signature}") from None
