"""Rows 13, 19-21, 25, 26, 30: handlers, interceptors, cancellation and limits."""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from livekit import Room, RoomOptions, RpcCallInfo, RpcError, RpcInterceptor, RpcInvocationData
from livekit.options import RpcOptions
from livekit.rpc import IncomingRpcNext, OutgoingRpcNext, RpcOverloadedError, detach_deadline
from livekit.testing import RoomEnvironment

from .support import Gate, Stopwatch, call, echo, error_reason, failure, incompressible, until

Code = RpcError.ErrorCode


async def test_row_13_cancelling_the_call_cancels_the_handler(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    gate = Gate()
    bob.local_participant.register_rpc_method("gate", gate)
    bob.local_participant.register_rpc_method("echo", echo)
    alice = await environment.join("alice")
    pending = asyncio.ensure_future(call(alice, "bob", "gate"))
    await gate.entered.wait()
    pending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pending
    await asyncio.wait_for(gate.ended.wait(), 5.0)
    assert gate.cancelled
    assert gate.invocations[0].cancel_reason is None
    assert await call(alice, "bob") == "hi", "the connection goes on"


async def test_row_13_cancelling_a_large_request_during_transmission(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    gate = Gate()
    bob.local_participant.register_rpc_method("gate", gate)
    bob.local_participant.register_rpc_method("echo", echo)
    alice = await environment.join("alice")
    for turns in range(12):
        pending = asyncio.ensure_future(call(alice, "bob", "gate", incompressible(250_000)))
        for _ in range(turns):
            await asyncio.sleep(0)
        pending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pending
    assert await call(alice, "bob") == "hi"
    gate.opened.set()


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_19_callables_of_every_kind_can_be_registered(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    local = bob.local_participant

    class Answering:
        async def __call__(self, invocation: RpcInvocationData) -> str:
            return "object"

    def two(suffix: str, invocation: RpcInvocationData) -> str:
        return invocation.payload + suffix

    @local.register_rpc_method("decorated")
    async def decorated(invocation: RpcInvocationData) -> str:
        return "decorated"

    assert local.register_rpc_method("direct", echo) is echo
    local.register_rpc_method("object", Answering())
    local.register_rpc_method("partial", functools.partial(two, "!"))
    local.register_rpc_method("lambda", lambda invocation: "lambda")
    local.register_rpc_method("wrapped", lambda invocation: decorated(invocation))  # noqa: PLW0108 - a sync handler that gives a coroutine
    assert dict(local._rpc_handlers)["direct"] is echo
    alice = await environment.join("alice")
    answers = {name: await call(alice, "bob", name) for name in local._rpc_handlers}
    assert answers == {
        "decorated": "decorated",
        "direct": "hi",
        "object": "object",
        "partial": "hi!",
        "lambda": "lambda",
        "wrapped": "decorated",
    }
    with pytest.raises(ValueError, match="replace=True"):
        local.register_rpc_method("direct", echo)
    local.register_rpc_method("direct", lambda invocation: "replaced", replace=True)
    assert await call(alice, "bob", "direct") == "replaced"
    with pytest.raises(TypeError, match="with parentheses"):
        local.register_rpc_method(echo)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    not_callable: Any = "not callable"
    with pytest.raises(TypeError, match="must be callable"):
        local.register_rpc_method("odd", not_callable)


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_20_an_unregistered_method_is_unknown(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    local = bob.local_participant
    local.register_rpc_method("echo", echo)
    local.unregister_rpc_method("echo")
    alice = await environment.join("alice")
    assert (await failure(call(alice, "bob"))).code == Code.UNSUPPORTED_METHOD
    with pytest.raises(KeyError):
        local.unregister_rpc_method("echo")
    local.unregister_rpc_method("echo", missing_ok=True)


async def test_row_21_a_sync_handler_runs_on_the_loop(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    bob.local_participant.register_rpc_method("thread", lambda invocation: threading.current_thread().name)
    alice = await environment.join("alice")
    assert await call(alice, "bob", "thread") == threading.main_thread().name


async def test_row_21_with_an_executor_it_runs_in_a_thread(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    with ThreadPoolExecutor(thread_name_prefix="worker") as executor:
        bob.local_participant.register_rpc_method(
            "thread", lambda invocation: threading.current_thread().name, executor=executor
        )
        alice = await environment.join("alice")
        assert (await call(alice, "bob", "thread")).startswith("worker")


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_row_21_a_blocking_handler_is_named_in_a_warning(
    environment: RoomEnvironment, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    bob = await environment.join("bob")

    def block(invocation: RpcInvocationData) -> str:
        time.sleep(0.15)
        return "blocked"

    async def block_later(invocation: RpcInvocationData) -> str:
        await asyncio.sleep(0.001)
        return block(invocation)

    bob.local_participant.register_rpc_method("blocker", block if kind == "sync" else block_later)
    alice = await environment.join("alice")
    with caplog.at_level(logging.WARNING, "livekit.rpc"):
        assert await call(alice, "bob", "blocker") == "blocked"
    assert "'blocker' blocked the event loop" in caplog.text


class Recording(RpcInterceptor):
    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log

    async def intercept_outgoing(self, call: RpcCallInfo, next: OutgoingRpcNext) -> str:
        self.log.append(f"{self.name} calls")
        call.payload += self.name
        try:
            return await next(call)
        except RpcError as error:
            self.log.append(f"{self.name} sees {int(error.code)}")
            raise

    async def intercept_incoming(self, invocation: RpcInvocationData, next: IncomingRpcNext) -> str | None:
        self.log.append(f"{self.name} serves")
        try:
            return await next(invocation)
        except RpcError as error:
            self.log.append(f"{self.name} sees {int(error.code)}")
            raise


async def test_row_25_interceptors_wrap_calls_and_handlers_in_order(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    bob.local_participant.register_rpc_method("echo", echo)
    alice = await environment.join("alice")
    calls: list[str] = []
    serves: list[str] = []
    first, second = Recording("1", calls), Recording("2", calls)
    for interceptor in (first, second, first):
        alice.local_participant.add_rpc_interceptor(interceptor)
    bob.local_participant.add_rpc_interceptor(Recording("b", serves))
    assert await call(alice, "bob", payload="") == "12"
    assert calls == ["1 calls", "2 calls"], "the first one added is outermost, once"
    assert (await failure(call(alice, "bob", "nothing"))).code == Code.UNSUPPORTED_METHOD
    assert calls[4:] == ["2 sees 1400", "1 sees 1400"]
    assert serves == ["b serves", "b serves", "b sees 1400"], "interceptors run for unknown methods"
    alice.local_participant.remove_rpc_interceptor(first)
    alice.local_participant.remove_rpc_interceptor(first)
    assert await call(alice, "bob", payload="") == "2"


async def chain(environment: RoomEnvironment, *names: str) -> list[Room]:
    """Return participants whose method `next` calls the next participant's, with a generous timeout of its own."""
    rooms = [await environment.join(name) for name in names]
    for room, following in zip(rooms, names[1:], strict=False):

        async def forward(invocation: RpcInvocationData, room: Room = room, following: str = following) -> str:
            return await call(room, following, "next", invocation.payload, response_timeout=60.0)

        room.local_participant.register_rpc_method("next", forward)
    return rooms


async def test_row_26_deadlines_nest_three_hops_deep(environment: RoomEnvironment) -> None:
    rooms = await chain(environment, "a", "b", "c", "d")
    gate = Gate()
    rooms[-1].local_participant.register_rpc_method("next", gate)
    watch = Stopwatch()
    error = await failure(call(rooms[0], "b", "next", response_timeout=1.0))
    assert error.code in (Code.RESPONSE_TIMEOUT, Code.APPLICATION_ERROR)
    assert watch.is_within(environment, 1.25)
    assert gate.invocations[0].response_timeout <= 1.0
    await asyncio.wait_for(gate.ended.wait(), 5.0)
    assert gate.cancelled


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_26_deadlines_are_inherited_only_while_the_invocation_runs(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    carol = await environment.join("carol")
    carol.local_participant.register_rpc_method("slow", slow_answer)
    background: list[asyncio.Task[str]] = []

    async def start(invocation: RpcInvocationData) -> str:
        background.append(asyncio.ensure_future(call_later(bob, 0.1)))
        with detach_deadline():
            return await call(bob, "carol", "slow", response_timeout=5.0)

    bob.local_participant.register_rpc_method("start", start)
    alice = await environment.join("alice")
    assert (await failure(call(alice, "bob", "start", response_timeout=0.05))).code == Code.RESPONSE_TIMEOUT
    assert await background[0] == "slow", "a task left behind is free once the invocation ended"


async def slow_answer(invocation: RpcInvocationData) -> str:
    await asyncio.sleep(2.0)
    return "slow"


async def call_later(room: Room, delay: float) -> str:
    await asyncio.sleep(delay)
    return await call(room, "carol", "slow", response_timeout=5.0)


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_26_detached_calls_have_their_own_budget(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    carol = await environment.join("carol")
    timeouts: list[float] = []
    carol.local_participant.register_rpc_method("look", lambda invocation: timeouts.append(invocation.response_timeout))

    async def forward(invocation: RpcInvocationData) -> None:
        await call(bob, "carol", "look", response_timeout=30.0)
        with detach_deadline():
            await call(bob, "carol", "look", response_timeout=30.0)

    bob.local_participant.register_rpc_method("forward", forward)
    alice = await environment.join("alice")
    await call(alice, "bob", "forward", response_timeout=2.0)
    assert timeouts[0] <= 2.0
    assert timeouts[1] > 29.0


@pytest.mark.parametrize("limit", ["room", "caller"])
async def test_row_30_calls_over_the_limit_are_rejected_immediately(environment: RoomEnvironment, limit: str) -> None:
    options = RpcOptions(
        max_concurrent_calls=2 if limit == "room" else None,
        max_concurrent_calls_per_caller=2 if limit == "caller" else None,
    )
    bob = await environment.join("bob", options=RoomOptions(rpc=options))
    gate = Gate()
    bob.local_participant.register_rpc_method("gate", gate)
    alice, carol = await environment.join("alice"), await environment.join("carol")
    running = [asyncio.ensure_future(call(alice, "bob", "gate")) for _ in range(2)]
    await until(lambda: len(gate.invocations) == 2)
    error = await failure(call(alice, "bob", "gate"))
    assert isinstance(error, RpcOverloadedError)
    assert (error.code, error_reason(error)) == (Code.APPLICATION_ERROR, "overloaded")
    if limit == "room":
        assert isinstance(await failure(call(carol, "bob", "gate")), RpcOverloadedError)
    else:
        running.append(asyncio.ensure_future(call(carol, "bob", "gate")))
    gate.opened.set()
    assert set(await asyncio.gather(*running)) == {"opened"}
    assert await call(alice, "bob", "gate") == "opened", "room again"
