from __future__ import annotations

import contextlib
import dataclasses
import math
import sys
import traceback
from collections.abc import Callable

import pytest

from livekit.rpc.errors import RpcArgumentTypeError, RpcError, RpcNotConnectedError
from livekit.rpc.invocation import OutgoingRpcNext, RpcCallInfo, RpcHandler, RpcInterceptor, RpcInvocationData
from livekit.rpc.local_rpc import LocalRpc, check_arguments
from livekit.rpc.wire import is_our_request_id
from tests.rpc.shell_fixtures import Endpoint, pair


def connected(**handlers: RpcHandler) -> tuple[LocalRpc, Endpoint]:
    alice, bob = pair()
    handlers = {"m": lambda data: data.payload, "id": lambda data: data.request_id, **handlers}
    for method, handler in handlers.items():
        bob.registry.add(method, handler, replace=False, executor=None)
    rpc = LocalRpc()
    rpc.client = alice.client
    return rpc, alice


async def perform(rpc: LocalRpc, **changes: object) -> str:
    arguments: dict[str, object] = {
        "destination_identity": "bob",
        "method": "m",
        "payload": "p",
        "response_timeout": 5.0,
    }
    return await rpc.perform(RpcCallInfo(**{**arguments, **changes}), wait_for_ready=False)  # type: ignore[arg-type]


async def test_a_call_is_made() -> None:
    rpc, _ = connected()
    assert await perform(rpc) == "p"
    assert await perform(rpc, payload="", response_timeout=5, max_round_trip_latency=1) == ""


@pytest.mark.parametrize("intercepted", [False, True])
@pytest.mark.parametrize("name", ["response_timeout", "max_round_trip_latency"])
@pytest.mark.parametrize("seconds", [0, 0.0, -1, math.nan, math.inf, -math.inf])
async def test_row_06_timeouts(name: str, seconds: float, intercepted: bool) -> None:
    rpc, alice = connected()
    if intercepted:
        rpc.registry.add_interceptor(RpcInterceptor())
    with pytest.raises(ValueError, match=name):
        await perform(rpc, **{name: seconds})
    assert alice.link.sent == []


@pytest.mark.parametrize("name", ["destination_identity", "method"])
async def test_row_06_empty_names(name: str) -> None:
    rpc, _ = connected()
    with pytest.raises(ValueError, match=f"{name} must not be empty"):
        await perform(rpc, **{name: ""})


@pytest.mark.parametrize(
    "name", ["destination_identity", "method", "payload", "response_timeout", "max_round_trip_latency"]
)
@pytest.mark.parametrize("value", [b"bytes", {"a": 1}, ["x"], True])
async def test_row_06_types(name: str, value: object) -> None:
    rpc, _ = connected()
    with pytest.raises(RpcArgumentTypeError, match=name) as caught:
        await perform(rpc, **{name: value})
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("name", ["destination_identity", "method", "payload"])
async def test_row_06_lone_surrogates(name: str) -> None:
    rpc, alice = connected()
    with pytest.raises(ValueError, match="surrogates"):
        await perform(rpc, **{name: "\ud800"})
    assert alice.link.sent == []


@pytest.mark.parametrize("intercepted", [False, True])
async def test_row_07_not_connected(intercepted: bool) -> None:
    rpc = LocalRpc()
    if intercepted:
        rpc.registry.add_interceptor(RpcInterceptor())
    with pytest.raises(RpcNotConnectedError) as caught:
        await perform(rpc)
    assert isinstance(caught.value, RuntimeError)
    assert caught.value.code == RpcError.ErrorCode.SEND_FAILED
    with pytest.raises(ValueError, match="empty"):
        await perform(rpc, method="")


async def test_row_07_disconnected_during_an_interceptor() -> None:
    rpc, alice = connected()

    class Slow(RpcInterceptor):
        async def intercept_outgoing(self, call: RpcCallInfo, next: OutgoingRpcNext) -> str:
            rpc.client = None
            alice.client.close()
            return await next(call)

    rpc.registry.add_interceptor(Slow())
    with pytest.raises(RpcNotConnectedError):
        await perform(rpc)


async def test_row_25_interceptors_may_change_a_call_and_are_checked_for_it() -> None:
    rpc, _ = connected()

    class Changing(RpcInterceptor):
        def __init__(self, payload: object) -> None:
            self.payload = payload

        async def intercept_outgoing(self, call: RpcCallInfo, next: OutgoingRpcNext) -> str:
            call.payload = self.payload  # type: ignore[assignment]
            return f"{await next(call)}!"

    changing = Changing("other")
    rpc.registry.add_interceptor(changing)
    assert await perform(rpc) == "other!"
    changing.payload = b"bytes"
    with pytest.raises(RpcArgumentTypeError):
        await perform(rpc)
    rpc.registry.remove_interceptor(changing)
    assert await perform(rpc) == "p"


@pytest.mark.parametrize("name", ["response_timeout", "max_round_trip_latency"])
def test_time_that_was_probably_meant_in_milliseconds_is_warned_about(name: str) -> None:
    with pytest.warns(UserWarning, match=f"{name}=15000 is in seconds, not milliseconds: 250 minutes"):
        check_arguments(call_with(name, 15_000))
    check_arguments(call_with(name, 999))


def call_with(name: str, value: object) -> RpcCallInfo:
    call = RpcCallInfo("bob", "m", "")
    setattr(call, name, value)
    return call


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have notes from Python 3.11 on")
async def test_traceback_names_the_code_the_method_and_the_callee() -> None:
    rpc, _ = connected()
    with pytest.raises(RpcError) as caught:
        await perform(rpc, method="missing")
    assert str(caught.value) == "Method not supported at destination"
    lines = "".join(traceback.format_exception(caught.value))
    assert lines.endswith("RpcError 1400 from calling 'missing' of 'bob'\n")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have notes from Python 3.11 on")
async def test_each_error_has_one_note_that_names_its_own_call_however_deeply_calls_are_nested() -> None:
    inner, _ = connected()
    nested: list[RpcError] = []

    async def relay(invocation: RpcInvocationData) -> str:
        try:
            return await perform(inner, method="missing")
        except RpcError as error:
            nested.append(error)
            raise

    outer, _ = connected(relay=relay)

    class Retrying(RpcInterceptor):
        async def intercept_outgoing(self, call: RpcCallInfo, next: OutgoingRpcNext) -> str:
            with contextlib.suppress(RpcError):
                await next(call)
            try:
                return await next(dataclasses.replace(call, payload="again"))
            finally:
                call.method = "renamed afterwards"

    outer.registry.add_interceptor(RpcInterceptor())
    outer.registry.add_interceptor(Retrying())
    with pytest.raises(RpcError) as caught:
        await perform(outer, method="relay")
    assert notes(caught.value) == ["RpcError 1400 from calling 'relay' of 'bob'"]
    assert [notes(error) for error in nested] == [["RpcError 1400 from calling 'missing' of 'bob'"]] * 2


def notes(error: Exception) -> list[str]:
    found: list[str] = getattr(error, "__notes__", [])
    return found


class RecordedIds(RpcInterceptor):
    """Records the id of each call before it is made, after it, and the callee's."""

    def __init__(self, rpc: LocalRpc) -> None:
        self.before: list[str] = []
        self.after: list[str] = []
        rpc.registry.add_interceptor(self)

    async def intercept_outgoing(self, call: RpcCallInfo, next: OutgoingRpcNext) -> str:
        self.before.append(call.request_id)
        try:
            return await next(call)
        finally:
            self.after.append(call.request_id)


async def test_interceptors_see_the_request_id_that_the_callee_sees() -> None:
    rpc, _ = connected()
    ids = RecordedIds(rpc)
    answers = [await perform(rpc, method="id") for _ in range(2)]
    assert ids.before == ids.after == answers
    assert len(set(answers)) == 2
    assert all(is_our_request_id(request_id) for request_id in answers)


def changed_copy(call: RpcCallInfo) -> RpcCallInfo:
    return dataclasses.replace(call, payload="changed")


def another_call(call: RpcCallInfo) -> RpcCallInfo:
    return RpcCallInfo("bob", call.method, "changed")


def other_id(call: RpcCallInfo) -> RpcCallInfo:
    return dataclasses.replace(call, request_id="chosen")


@pytest.mark.parametrize("change", [changed_copy, another_call, other_id])
async def test_interceptor_that_replaces_the_call_keeps_its_request_id(
    change: Callable[[RpcCallInfo], RpcCallInfo],
) -> None:
    rpc, _ = connected()
    ids = RecordedIds(rpc)

    class Replacing(RpcInterceptor):
        async def intercept_outgoing(self, call: RpcCallInfo, next: OutgoingRpcNext) -> str:
            return await next(change(call))

    rpc.registry.add_interceptor(Replacing())
    assert [await perform(rpc, method="id")] == ids.before


async def test_interceptor_that_repeats_a_call_makes_a_new_one_with_another_request_id() -> None:
    rpc, _ = connected()

    class Repeating(RpcInterceptor):
        async def intercept_outgoing(self, call: RpcCallInfo, next: OutgoingRpcNext) -> str:
            pairs = [(await next(call), call.request_id) for _ in range(2)]
            assert all(answer == request_id for answer, request_id in pairs)
            return f"{len({answer for answer, _ in pairs})} ids"

    rpc.registry.add_interceptor(Repeating())
    assert await perform(rpc, method="id") == "2 ids"
    assert RpcCallInfo("bob", "m", "", request_id="x") == RpcCallInfo("bob", "m", "")


async def test_request_id_is_set_before_the_request_is_sent_without_interceptors_too() -> None:
    rpc, _ = connected()
    call = RpcCallInfo("bob", "id", "")
    assert await rpc.perform(call, wait_for_ready=False) == call.request_id
