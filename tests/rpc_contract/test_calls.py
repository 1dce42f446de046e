"""Rows 2, 4-7, 9, 12, 15-17, 22, 24: arguments, results and errors of calls."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
from typing import Any

import pytest

import livekit
import livekit.rtc
from livekit import Room, RoomOptions, RpcError, RpcInvocationData
from livekit.rpc import RpcNotConnectedError
from livekit.testing import RoomEnvironment

from .support import Gate, Stopwatch, call, echo, error_reason, failure

Code = RpcError.ErrorCode


async def pair(environment: RoomEnvironment) -> tuple[Room, Room]:
    """Return the rooms of Alice, the caller, and Bob, who has registered `echo`."""
    bob = await environment.join("bob")
    bob.local_participant.register_rpc_method("echo", echo)
    alice = await environment.join("alice")
    return alice, bob


def failing(*_: object) -> Any:
    raise RuntimeError


ODD_RESULTS: dict[str, object] = {
    "without a name": type("Meta", (type,), {"__name__": property(failing)})("Nameless", (), {})(),
    "without a class": type("Classless", (), {"__class__": property(failing), "__str__": failing})(),
    "that pretends to be a str": type("Liar", (), {"__class__": property(lambda _: str), "encode": failing})(),
}
OVERRIDDEN: dict[str, Any] = dict.fromkeys(("__len__", "__str__", "isascii", "encode"), failing)


def test_row_01_names_are_importable() -> None:
    for name in ("Room", "LocalParticipant", "RpcError", "RpcInvocationData", "RpcHandler"):
        assert getattr(livekit, name) is getattr(livekit.rtc, name)


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_02_default_timeout_is_15_seconds_in_total(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)
    gate = Gate()
    bob.local_participant.register_rpc_method("gate", gate)
    watch = Stopwatch()
    error = await failure(call(alice, "bob", "gate"))
    assert error.code == Code.RESPONSE_TIMEOUT
    assert watch.seconds() == pytest.approx(15.0, abs=0.25)
    assert gate.invocations[0].response_timeout == pytest.approx(15.0, abs=0.1)


async def test_row_04_a_slow_handler_gets_the_callers_timeout(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)

    async def slow(invocation: RpcInvocationData) -> str:
        assert 4.0 < invocation.response_timeout <= 5.0
        await asyncio.sleep(2.0)
        return "done"

    bob.local_participant.register_rpc_method("slow", slow)
    assert await call(alice, "bob", "slow", response_timeout=5.0) == "done"


async def test_row_05_the_handler_is_cancelled_at_the_sent_timeout(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)
    gate = Gate()
    bob.local_participant.register_rpc_method("gate", gate)
    error = await failure(call(alice, "bob", "gate", response_timeout=0.5))
    assert error.code == Code.RESPONSE_TIMEOUT
    await asyncio.wait_for(gate.ended.wait(), 5.0)
    assert gate.cancelled
    assert gate.invocations[0].cancel_reason in (Code.RESPONSE_TIMEOUT, None), "deadline here, or the caller's cancel"


BAD_VALUES: list[dict[str, Any]] = [
    {"response_timeout": 0},
    {"response_timeout": -1.0},
    {"response_timeout": float("nan")},
    {"response_timeout": float("inf")},
    {"max_round_trip_latency": 0.0},
    {"destination_identity": ""},
    {"method": ""},
]
BAD_TYPES: list[dict[str, Any]] = [
    {"payload": b"bytes"},
    {"payload": None},
    {"payload": {"a": 1}},
    {"method": 7},
    {"destination_identity": None},
    {"response_timeout": "5"},
]


@pytest.mark.parametrize("bad", [*BAD_VALUES, *BAD_TYPES], ids=str)
@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_06_invalid_arguments_raise_before_sending(environment: RoomEnvironment, bad: dict[str, Any]) -> None:
    alice, bob = await pair(environment)
    ran = Gate()
    bob.local_participant.register_rpc_method("gate", ran)
    arguments: dict[str, Any] = {"destination_identity": "bob", "method": "gate", "payload": "", **bad}
    with pytest.raises(ValueError, match=next(iter(bad))) as caught:
        await alice.local_participant.perform_rpc(**arguments)
    assert isinstance(caught.value, TypeError) == (bad in BAD_TYPES)
    assert not ran.invocations


async def test_row_07_calls_raise_when_not_connected(environment: RoomEnvironment) -> None:
    with pytest.raises(RuntimeError, match="not connected"):
        _ = Room().local_participant
    alice, _ = await pair(environment)
    local = alice.local_participant
    await alice.disconnect()
    with pytest.raises(RpcNotConnectedError, match="not connected") as caught:
        await local.perform_rpc(destination_identity="bob", method="echo", payload="")
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, RpcError)
    assert caught.value.code == Code.SEND_FAILED


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_07_while_reconnecting_a_call_waits_within_its_budget(environment: RoomEnvironment) -> None:
    alice, _ = await pair(environment)
    environment.memory.reachable = False
    environment.memory.lose_transport("alice")
    await asyncio.sleep(0.3)
    assert livekit.ConnectionState.Name(alice.connection_state) == "CONN_RECONNECTING"
    watch = Stopwatch()
    error = await failure(call(alice, "bob", response_timeout=1.0))
    assert (error.code, error_reason(error)) == (Code.RESPONSE_TIMEOUT, "reconnecting")
    assert watch.seconds() == pytest.approx(1.0, abs=0.25)
    waiting = asyncio.ensure_future(call(alice, "bob", response_timeout=15.0))
    environment.memory.reachable = True
    assert await waiting == "hi"


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_07_while_reconnecting_a_call_fails_at_once_by_option(environment: RoomEnvironment) -> None:
    await pair(environment)
    options = RoomOptions(rpc=livekit.options.RpcOptions(fail_fast_while_reconnecting=True))
    carol = await environment.join("carol", options=options)
    environment.memory.reachable = False
    environment.memory.lose_transport("carol")
    await asyncio.sleep(0.1)
    watch = Stopwatch()
    error = await failure(call(carol, "bob"))
    assert (error.code, error_reason(error)) == (Code.SEND_FAILED, "reconnecting")
    assert watch.seconds() == 0.0


async def test_row_09_calls_to_the_own_identity_run_the_local_handler(environment: RoomEnvironment) -> None:
    alice, _ = await pair(environment)
    alice.local_participant.register_rpc_method("echo", echo)
    assert await call(alice, "alice") == "hi"
    assert await call(alice, "alice", payload="x" * 100_000) == "x" * 100_000
    assert (await failure(call(alice, "alice", "nothing"))).code == Code.UNSUPPORTED_METHOD
    gate = Gate()
    alice.local_participant.register_rpc_method("gate", gate)
    assert (await failure(call(alice, "alice", "gate", response_timeout=0.2))).code == Code.RESPONSE_TIMEOUT


async def test_row_12_unknown_method_fails_with_1400(environment: RoomEnvironment) -> None:
    alice, _ = await pair(environment)
    error = await failure(call(alice, "bob", "nothing"))
    assert error.code == Code.UNSUPPORTED_METHOD
    assert error.message == "Method not supported at destination"
    assert error.data is None


async def test_row_15_a_handler_returns_none_or_a_str(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)
    bob.local_participant.register_rpc_method("none", lambda invocation: None)
    bob.local_participant.register_rpc_method("empty", lambda invocation: "")
    assert await call(alice, "bob", "none") == ""
    assert await call(alice, "bob", "empty") == ""
    assert await call(alice, "bob", "echo", "ünï") == "ünï"


@pytest.mark.parametrize("result", [{"a": 1}, b"bytes", 7, ["x"]], ids=repr)
async def test_row_16_a_handler_returns_another_type(
    environment: RoomEnvironment, result: Any, caplog: pytest.LogCaptureFixture
) -> None:
    alice, bob = await pair(environment)
    bob.local_participant.register_rpc_method("odd", lambda invocation: result)
    watch = Stopwatch()
    error = await failure(call(alice, "bob", "odd"))
    assert error.code == Code.APPLICATION_ERROR
    assert type(result).__name__ in (error.data or "")
    assert f"'odd': the handler returned {type(result).__name__}, not str" in caplog.text, "logged at the callee"
    assert watch.seconds() < 5.0, "not the caller's timeout"


@pytest.mark.parametrize("name", ODD_RESULTS)
async def test_row_16_a_handler_returns_an_object_whose_code_fails(environment: RoomEnvironment, name: str) -> None:
    alice, bob = await pair(environment)

    async def odd(invocation: RpcInvocationData) -> Any:
        return ODD_RESULTS[name]

    bob.local_participant.register_rpc_method("odd", odd)
    error = await failure(call(alice, "bob", "odd", response_timeout=5.0))
    assert error.code == Code.APPLICATION_ERROR
    assert (error.data or "").startswith("the handler returned "), "not the caller's timeout"


async def test_row_15_a_handler_returns_a_str_with_methods_of_its_own(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)
    odd_text: str = type("OddText", (str,), OVERRIDDEN)("é" * 100)
    bob.local_participant.register_rpc_method("odd", lambda invocation: odd_text)
    assert await call(alice, "bob", "odd") == "é" * 100


async def test_row_16_a_handler_raises_an_error_that_cannot_be_sent(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)

    def odd(invocation: RpcInvocationData) -> str:
        raise RpcError(-1, "message")

    bob.local_participant.register_rpc_method("odd", odd)
    error = await failure(call(alice, "bob", "odd"))
    assert error.code == Code.APPLICATION_ERROR
    assert "cannot be sent" in (error.data or "")


async def test_row_17_a_handler_raises_another_exception(
    environment: RoomEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    alice, bob = await pair(environment)

    async def broken(invocation: RpcInvocationData) -> str:
        raise KeyError("a secret of the callee")

    bob.local_participant.register_rpc_method("broken", broken)
    with caplog.at_level(logging.ERROR, "livekit.rpc"):
        error = await failure(call(alice, "bob", "broken"))
    assert (error.code, error.message) == (Code.APPLICATION_ERROR, "Application error in method handler")
    assert error.data is None
    assert "a secret of the callee" in caplog.text


async def test_row_17_expose_errors_sends_the_traceback(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob", options=RoomOptions(rpc=livekit.options.RpcOptions(expose_errors=True)))

    async def broken(invocation: RpcInvocationData) -> str:
        raise KeyError("what went wrong")

    bob.local_participant.register_rpc_method("broken", broken)
    error = await failure(call(await environment.join("alice"), "bob", "broken"))
    assert error.code == Code.APPLICATION_ERROR
    assert "KeyError: 'what went wrong'" in (error.data or "")


async def test_row_22_errors_travel_with_code_message_and_data(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)
    errors = {
        "custom": RpcError(2001, "no", '{"role":"admin"}'),
        "bare": RpcError(2002, "no data"),
        "own": RpcError(Code.APPLICATION_ERROR, "Division by zero", "{}"),
        "long": RpcError(2003, "ü" * 300, "d" * 20_000),
    }

    def fail(invocation: RpcInvocationData) -> str:
        raise errors[invocation.payload]

    bob.local_participant.register_rpc_method("fail", fail)
    received = {name: await failure(call(alice, "bob", "fail", name)) for name in errors}
    assert (received["custom"].code, received["custom"].message) == (2001, "no")
    assert received["custom"].data == '{"role":"admin"}'
    assert received["bare"].data is None
    assert received["own"].code is Code.APPLICATION_ERROR, "an enum member where one exists"
    assert received["long"].message == "ü" * 128, "256 bytes, cut between characters"
    assert received["long"].data == "d" * 15_360
    for error in received.values():
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.code, again.message, again.data) == (
            type(error),
            error.code,
            error.message,
            error.data,
        )
        assert copy.copy(error).args == error.args
        with pytest.raises(AttributeError):
            error.code = 1  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


async def test_row_24_invocation_data_has_all_fields(environment: RoomEnvironment) -> None:
    alice, bob = await pair(environment)
    seen: list[RpcInvocationData] = []
    bob.local_participant.register_rpc_method("look", seen.append)
    await call(alice, "bob", "look", "payload")
    (invocation,) = seen
    assert (invocation.caller_identity, invocation.payload, invocation.method) == ("alice", "payload", "look")
    assert invocation.cancel_reason is None
    assert len(invocation.request_id) == 36
