from __future__ import annotations

import math
import sys
import traceback

import pytest

from livekit.rpc.errors import RpcArgumentTypeError, RpcError, RpcNotConnectedError
from livekit.rpc.invocation import OutgoingRpcNext, RpcCallInfo, RpcInterceptor
from livekit.rpc.local_rpc import LocalRpc, check_arguments
from tests.rpc.shell_fixtures import Endpoint, pair


def connected() -> tuple[LocalRpc, Endpoint]:
    alice, bob = pair()
    bob.registry.register("m", lambda invocation: invocation.payload, replace=False, executor=None)
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
        check_arguments(RpcCallInfo("bob", "m", "", **{name: 15_000}))
    check_arguments(RpcCallInfo("bob", "m", "", **{name: 999}))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have notes from Python 3.11 on")
async def test_traceback_names_the_code_the_method_and_the_callee() -> None:
    rpc, _ = connected()
    with pytest.raises(RpcError) as caught:
        await perform(rpc, method="missing")
    assert str(caught.value) == "Method not supported at destination"
    lines = "".join(traceback.format_exception(caught.value))
    assert lines.endswith("RpcError 1400 from calling 'missing' of 'bob'\n")
