from __future__ import annotations

import asyncio

import pytest

from livekit import RpcError, RpcInvocationData
from livekit.testing import MemoryRoom, StubParticipant, VirtualClock, record_calls
from livekit.testing.stub import Answer

Code = RpcError.ErrorCode


async def ask(memory: MemoryRoom, payload: str = "") -> str:
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
async def test_answers(memory: MemoryRoom, answer: Answer, expected: str) -> None:
    await memory.stub("bob", {"ask": answer})
    assert await ask(memory, "hi") == expected


@pytest.mark.parametrize(
    ("error", "code"), [(RpcError(7, "busy", "later"), 7), (LookupError("a bug"), Code.APPLICATION_ERROR)]
)
async def test_errors(memory: MemoryRoom, error: Exception, code: int) -> None:
    bob = await memory.stub("bob", {"ask": error})
    with pytest.raises(RpcError) as raised:
        await ask(memory)
    assert raised.value.code == code
    assert bob.calls.received[0].outcome is error


async def test_one_answer_after_the_other(memory: MemoryRoom) -> None:
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


async def test_answers_can_change(memory: MemoryRoom) -> None:
    bob = await memory.stub("bob", {"ask": "before"})
    bob.answer("ask", "after")
    assert await ask(memory) == "after"


async def test_slow_answers(memory: MemoryRoom, clock: VirtualClock) -> None:
    bob = await memory.stub("bob")
    bob.answer("ask", "42", delay=3.0)
    before = clock.elapsed
    assert await ask(memory) == "42"
    assert clock.elapsed - before == pytest.approx(3)


async def test_no_answer_at_all(memory: MemoryRoom) -> None:
    bob = await memory.stub("bob")
    with pytest.raises(ValueError, match="at least one"):
        bob.answer("ask")


class TestRecorded:
    async def test_received(self, memory: MemoryRoom) -> None:
        bob = await memory.stub("bob", {"ask": "42"})
        await ask(memory, "what?")
        (call,) = bob.calls.received
        assert (call.method, call.payload, call.peer, call.outcome) == ("ask", "what?", "alice", "42")
        bob.calls.assert_received("ask")
        bob.calls.assert_received("ask", payload="what?", caller="alice", times=1)
        bob.calls.assert_received("ask", caller="carol", times=0)
        bob.calls.assert_received("other", times=0)

    async def test_unknown_methods_are_seen_too(self, memory: MemoryRoom) -> None:
        bob = await memory.stub("bob")
        with pytest.raises(RpcError):
            await ask(memory)
        outcome = bob.calls.received[0].outcome
        assert isinstance(outcome, RpcError)
        assert outcome.code == Code.UNSUPPORTED_METHOD

    async def test_what_was_expected_and_what_was_there(self, memory: MemoryRoom) -> None:
        bob = await memory.stub("bob", {"ask": "42"})
        with pytest.raises(AssertionError, match="received at least once, not 0 times; calls received: none"):
            bob.calls.assert_received("ask")
        await ask(memory, "what?")
        with pytest.raises(AssertionError, match=r"payload 'why\?'(?s:.)*'ask', payload 'what\?', peer 'alice'"):
            bob.calls.assert_received("ask", payload="why?")
        with pytest.raises(AssertionError, match="2 times, not 1 times"):
            bob.calls.assert_received("ask", times=2)

    async def test_made(self, memory: MemoryRoom) -> None:
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

    async def test_running_and_cancelled(self, memory: MemoryRoom) -> None:
        bob = await memory.stub("bob")
        bob.answer("ask", "42", delay=3600)
        call = asyncio.ensure_future(ask(memory))
        await asyncio.sleep(1)
        assert bob.calls.received[0].outcome is None
        call.cancel()
        await asyncio.sleep(1)
        assert isinstance(bob.calls.received[0].outcome, asyncio.CancelledError)


async def test_a_stub_may_call(memory: MemoryRoom) -> None:
    bob: StubParticipant = await memory.stub("bob")
    alice = await memory.join("alice")
    alice.register_rpc_method("ask", lambda data: "42")
    answer = await bob.room.local_participant.perform_rpc(destination_identity="alice", method="ask", payload="")
    assert answer == "42"
    bob.calls.assert_made("ask", callee="alice")
