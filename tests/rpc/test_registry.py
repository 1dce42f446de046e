from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, cast
from unittest.mock import Mock

import pytest

from livekit.rpc.errors import RpcArgumentTypeError
from livekit.rpc.invocation import RpcHandler, RpcInterceptor, RpcInvocationData
from livekit.rpc.registry import RpcRegistry


class Decorator(Protocol):
    def __call__(self, handler: RpcHandler) -> object: ...


def greet(invocation: RpcInvocationData) -> str:
    return "hello"


class Callable:
    async def __call__(self, invocation: RpcInvocationData) -> str:
        return "hello"


HANDLERS: list[RpcHandler] = [greet, partial(greet), lambda invocation: "hello", Callable(), Callable().__call__]


@pytest.mark.parametrize("handler", HANDLERS)
def test_row_19_anything_callable_is_registered_as_given(handler: RpcHandler) -> None:
    registry = RpcRegistry()
    assert registry.register("greet", handler, replace=False, executor=None) is handler
    assert registry.handlers == {"greet": handler}


def test_row_19_the_decorator_returns_the_function() -> None:
    registry = RpcRegistry()
    decorate = cast(Any, registry.register("greet", None, replace=False, executor=None))
    assert decorate(greet) is greet
    assert registry.handlers == {"greet": greet}


def test_row_19_a_name_is_registered_once() -> None:
    registry = RpcRegistry()
    registry.register("greet", greet, replace=False, executor=None)
    with pytest.raises(ValueError, match="replace=True"):
        registry.register("greet", greet, replace=False, executor=None)
    other = Callable()
    registry.register("greet", other, replace=True, executor=None)
    assert registry.handlers == {"greet": other}


@pytest.mark.parametrize("handler", ["text", 1, object()])
def test_row_19_a_handler_that_is_not_callable_is_a_type_error(handler: object) -> None:
    with pytest.raises(TypeError, match="callable"):
        RpcRegistry().register("greet", handler, replace=False, executor=None)  # type: ignore[arg-type]


def test_invalid_names() -> None:
    registry = RpcRegistry()
    with pytest.raises(ValueError, match="empty"):
        registry.register("", greet, replace=False, executor=None)
    with pytest.raises(RpcArgumentTypeError):
        registry.register(1, greet, replace=False, executor=None)  # type: ignore[arg-type]
    with pytest.raises(RpcArgumentTypeError, match="with parentheses"):
        registry.register(greet, None, replace=False, executor=None)  # type: ignore[arg-type]
    assert registry.handlers == {}


def test_row_20_unregister() -> None:
    registry = RpcRegistry()
    with ThreadPoolExecutor() as executor:
        registry.register("greet", greet, replace=False, executor=executor)
        assert registry.executors == {"greet": executor}
        registry.unregister("greet", missing_ok=False)
    assert registry.handlers == {}
    assert registry.executors == {}
    with pytest.raises(KeyError):
        registry.unregister("greet", missing_ok=False)
    registry.unregister("greet", missing_ok=True)


def test_row_21_a_replaced_handler_does_not_inherit_the_executor() -> None:
    registry = RpcRegistry()
    with ThreadPoolExecutor() as executor:
        registry.register("greet", greet, replace=False, executor=executor)
    registry.register("greet", greet, replace=True, executor=None)
    assert registry.executors == {}


def test_row_25_interceptors_are_known_by_identity() -> None:
    class Equal(RpcInterceptor):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = object.__hash__

    registry, first, second = RpcRegistry(), Equal(), Equal()
    registry.add_interceptor(first)
    registry.add_interceptor(second)
    registry.add_interceptor(first)
    snapshot = registry.interceptors
    assert [id(known) for known in snapshot] == [id(first), id(second)]
    registry.remove_interceptor(first)
    registry.remove_interceptor(first)
    assert [id(known) for known in registry.interceptors] == [id(second)]
    assert len(snapshot) == 2


@pytest.mark.parametrize("interceptor", [object(), RpcInterceptor, None, len])
def test_an_interceptor_must_be_an_instance(interceptor: Any) -> None:
    registry = RpcRegistry()
    with pytest.raises(TypeError, match="must be an instance of RpcInterceptor"):
        registry.add_interceptor(interceptor)
    assert registry.interceptors == ()


def _no_parameter() -> str:
    return ""


def _two_parameters(data: object, other: object) -> str:
    return ""


def _keyword_only(*, data: object) -> str:
    return ""


@pytest.mark.parametrize("handler", [_no_parameter, _two_parameters, _keyword_only])
def test_handler_must_accept_one_argument(handler: Any) -> None:
    registry = RpcRegistry()
    with pytest.raises(TypeError, match=r"'m' must accept one argument, .* its signature is \("):
        registry.register("m", handler, replace=False, executor=None)
    assert registry.handlers == {}


def _with_default(data: object, other: object = None) -> str:
    return ""


@pytest.mark.parametrize("handler", [_with_default, partial(_two_parameters, 1), print, "x".format, Mock(), dict])
def test_any_callable_with_one_argument_is_a_handler(handler: Any) -> None:
    registry = RpcRegistry()
    registry.register("m", handler, replace=False, executor=None)
    assert registry.handlers == {"m": handler}
