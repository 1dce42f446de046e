"""The page's classes and signatures match ours, in order; ours may have further parameters."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import typing
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

import livekit
from livekit import LocalParticipant, RpcError, RpcHandler, RpcInvocationData
from tests.rpc_docs.page import Namespace, block

PAGE_BLOCKS = ("invocation-data", "rpc-handler", "rpc-error", "local-participant")


@pytest.fixture
async def page() -> Namespace:
    """Return the definitions of the page."""
    names: Namespace = {**vars(typing), "dataclass": dataclasses.dataclass, "IntEnum": enum.IntEnum}
    for name in PAGE_BLOCKS:
        await block(name).run(names)
    return names


def parameters(function: object) -> list[inspect.Parameter]:
    return list(inspect.signature(cast("Callable[..., object]", function)).parameters.values())


def outline(parameter: inspect.Parameter) -> tuple[str, object, object]:
    return parameter.name, parameter.kind, parameter.default


@pytest.mark.parametrize("method", ["perform_rpc", "register_rpc_method", "unregister_rpc_method"])
async def test_methods_have_the_parameters_of_the_page(page: Namespace, method: str) -> None:
    shown = getattr(page["LocalParticipant"], method)
    ours = getattr(LocalParticipant, method)

    wanted = [outline(parameter) for parameter in parameters(shown)]
    assert [outline(parameter) for parameter in parameters(ours)][: len(wanted)] == wanted
    assert inspect.iscoroutinefunction(ours) == inspect.iscoroutinefunction(shown)
    further = parameters(ours)[len(wanted) :]
    assert all(parameter.default is not parameter.empty for parameter in further if "VAR" not in parameter.kind.name)


async def test_rpc_error_has_the_parameters_of_the_page(page: Namespace) -> None:
    shown = cast("type[Exception]", page["RpcError"])
    wanted = [outline(parameter) for parameter in parameters(shown.__init__)]
    assert [outline(parameter) for parameter in parameters(RpcError.__init__)][: len(wanted)] == wanted

    error = RpcError(2000, "message", "data")
    assert (error.code, error.message, error.data) == (2000, "message", "data")
    for name in ("code", "message", "data"):
        with pytest.raises(AttributeError):
            setattr(error, name, "changed")


async def test_error_codes_are_the_pages(page: Namespace) -> None:
    shown = cast("type[enum.IntEnum]", getattr(page["RpcError"], "ErrorCode"))  # noqa: B009  # typed as object
    assert {member.name: int(member) for member in RpcError.ErrorCode} == {member.name: int(member) for member in shown}
    assert issubclass(RpcError.ErrorCode, enum.IntEnum)


def test_every_code_has_a_message() -> None:
    assert set(RpcError.ErrorMessage) == set(RpcError.ErrorCode)
    assert all(RpcError.ErrorMessage.values())


async def test_invocation_data_begins_with_the_pages_fields(page: Namespace) -> None:
    shown = dataclasses.fields(page["RpcInvocationData"])  # type: ignore[arg-type]  # made by the page's code
    wanted = [(field.name, field.default) for field in shown]
    ours = [(field.name, field.default) for field in dataclasses.fields(RpcInvocationData)]
    assert ours[: len(wanted)] == wanted
    data = RpcInvocationData("id", "caller", "payload", 1.5)
    assert (data.request_id, data.caller_identity, data.payload, data.response_timeout) == (
        "id",
        "caller",
        "payload",
        1.5,
    )


def test_handler_type_is_the_pages() -> None:
    arguments, result = typing.get_args(RpcHandler)
    assert arguments == [RpcInvocationData]
    assert result == Awaitable[str | None] | str | None


def test_page_imports_are_the_same_objects_in_rtc() -> None:
    from livekit import rtc

    for name in ("Room", "LocalParticipant", "RpcError", "RpcInvocationData", "RpcHandler"):
        assert getattr(rtc, name) is getattr(livekit, name)
