from __future__ import annotations

import asyncio

import pytest

from livekit import RpcError, RpcInvocationData
from livekit.testing import MemoryRoom, StubParticipant, VirtualClock, record_calls
from livekit.testing.stub import Answer

Code = RpcError.ErrorCode


async def call_bob(memory: MemoryRoom, payload: str = "") -> str:
    alice = await memory.join("alice")
    return await alice.local_participant.perform_rpc(destination_identity="bob", method="ask", payload=payload)


def twice(data: RpcInvocationData) -> str:
    return data.payload * 2


async def shout(data: RpcInvocationData) -> str:
    await asyncio.sleep(0)
    return data.payload.upper()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("42", "42"), (None, ""), ("", ""), (twice, "hihi"), (shout, "HI")],
    ids=["str", "None", "empty", "function", "coroutine function"],
)
async def test_values_and_functions_as_answers(memory: MemoryRoom, answer: Answer, expected: str) -> None:
    await memory.stub("bob", {"ask": answer})
    assert await call_bob(memory, "hi") == expected


@pytest.mark.parametrize(
    ("error", "code"), [(RpcError(7, "busy", "later"), 7), (LookupError("a bug"), Code.APPLICATION_ERROR)]
)
async def test_exceptions_as_answers_reach_the_caller(memory: MemoryRoom, error: Exception, code: int) -> None:
    bob = await memory.stub("bob", {"ask": error})
    with pytest.raises(RpcError) as raised:
        await call_bob(memory)
    assert raised.value.code == code
    assert bob.calls.received[0].outcome is error


async def test_a_sequence_of_answers_repeats_its_last(memory: MemoryRoom) -> None:
    bob = await memory.stub("bob")
    bob.answer("ask", "1", RpcError(7, "busy"), "3")
    alice = await memory.join("alice")
    outcomes: list[str] = []
    for _ in range(4):
        try:
            outcomes.append(
                await alice.local_participant.perform_rpc(destination_identity="bob", method="ask", payload="")
            )
        except RpcError as error:
            outcomes.append(error.message)
    assert outcomes == ["1", "busy", "3", "3"]


async def test_a_later_answer_replaces_an_earlier_one(memory: MemoryRoom) -> None:
    bob = await memory.stub("bob", {"ask": "before"})
    bob.answer("ask", "after")
    assert await call_bob(memory) == "after"


async def test_an_answer_can_be_delayed(memory: MemoryRoom, clock: VirtualClock) -> None:
    bob = await memory.stub("bob")
    bob.answer("ask", "42", delay=3.0)
    before = clock.elapsed
    assert await call_bob(memory) == "42"
    assert clock.elapsed - before == pytest.approx(3)


async def test_answer_without_answers_is_refused(memory: MemoryRoom) -> None:
    bob = await memory.stub("bob")
    with pytest.raises(ValueError, match="at least one"):
        bob.answer("ask")


class TestCallRecorder:
    async def test_received_calls_are_recorded(self, memory: MemoryRoom) -> None:
        bob = await memory.stub("bob", {"ask": "42"})
        await call_bob(memory, "what?")
        (call,) = bob.calls.received
        assert (call.method, call.payload, call.peer, call.outcome) == ("ask", "what?", "alice", "42")
        bob.calls.assert_received("ask")
        bob.calls.assert_received("ask", payload="what?", caller="alice", times=1)
        bob.calls.assert_received("ask", caller="carol", times=0)
        bob.calls.assert_received("other", times=0)

    async def test_calls_of_unknown_methods_are_recorded(self, memory: MemoryRoom) -> None:
        bob = await memory.stub("bob")
        with pytest.raises(RpcError):
            await call_bob(memory)
        outcome = bob.calls.received[0].outcome
        assert isinstance(outcome, RpcError)
        assert outcome.code == Code.UNSUPPORTED_METHOD

    async def test_failed_assertions_list_expected_and_received_calls(self, memory: MemoryRoom) -> None:
        bob = await memory.stub("bob", {"ask": "42"})
        with pytest.raises(AssertionError, match="received at least once, not 0 times; calls received: none"):
            bob.calls.assert_received("ask")
        await call_bob(memory, "what?")
        with pytest.raises(AssertionError, match=r"payload 'why\?'(?s:.)*'ask', payload 'what\?', peer 'alice'"):
            bob.calls.assert_received("ask", payload="why?")
        with pytest.raises(AssertionError, match="2 times, not 1 times"):
            bob.calls.assert_received("ask", times=2)

    async def test_made_calls_are_recorded(self, memory: MemoryRoom) -> None:
        await memory.stub("bob", {"ask": "42"})
        alice = await memory.join("alice")
        calls = record_calls(alice)
        await alice.local_participant.perform_rpc(destination_identity="bob", method="ask", payload="what?")
        with pytest.raises(RpcError):
            await alice.local_participant.perform_rpc(destination_identity="bob", method="other", payload="")
        calls.assert_made("ask", payload="what?", callee="bob", times=1)
        with pytest.raises(AssertionError, match="made"):
            calls.assert_made("ask", callee="carol")
        assert calls.made[0].outcome == "42"
        assert isinstance(calls.made[1].outcome, RpcError)

    async def test_outcomes_of_running_and_cancelled_calls(self, memory: MemoryRoom) -> None:
        bob = await memory.stub("bob")
        bob.answer("ask", "42", delay=3600)
        call = asyncio.ensure_future(call_bob(memory))
        await asyncio.sleep(1)
        assert bob.calls.received[0].outcome is None
        call.cancel()
        await asyncio.sleep(1)
        assert isinstance(bob.calls.received[0].outcome, asyncio.CancelledError)


async def test_a_stub_can_make_calls(memory: MemoryRoom) -> None:
    bob: StubParticipant = await memory.stub("bob")
    alice = await memory.join("alice")
    alice.register_rpc_method("ask", lambda data: "42")
    answer = await bob.room.local_participant.perform_rpc(destination_identity="alice", method="ask", payload="")
    assert answer == "42"
    bob.calls.assert_made("ask", callee="alice")
