"""Participants that leave during a call."""

from __future__ import annotations

import time

import pytest

from tests.interop.harness import LONG, CallError
from tests.interop.kinds import FROM_OURS, WITH_OURS, Pair
from tests.interop.matrix import Matrix

pytestmark = [pytest.mark.peers, pytest.mark.asyncio(loop_scope="session")]

AT_ONCE = 20.0
"""Seconds, half of the call's timeout; official SDKs need a part of them to leave."""


@pytest.mark.parametrize("pair", WITH_OURS, ids=str)
async def test_call_fails_when_the_callee_leaves(matrix: Matrix, pair: Pair, embedded_server: bool) -> None:
    """A call whose callee leaves fails with 1503, immediately if the server announces the leave immediately"""
    caller, _ = await matrix.pair(pair)
    callee = await matrix.guest(pair.callee)
    await matrix.introduce(caller, callee)
    call = caller.start_call(callee.identity, "sleep", str(LONG), LONG)
    await callee.handled("started", "sleep", caller)
    started = time.monotonic()
    await callee.leave()
    with pytest.raises(CallError) as failed:
        await call.outcome()
    assert failed.value.code == 1503
    if embedded_server:
        assert time.monotonic() - started < AT_ONCE


@pytest.mark.parametrize("pair", WITH_OURS, ids=str)
async def test_callee_survives_a_leaving_caller(matrix: Matrix, pair: Pair) -> None:
    """A callee whose caller left answers the next caller, and logs nothing about the undeliverable answer"""
    _, callee = await matrix.quiet_pair(pair)
    caller, other = await matrix.guest(pair.caller), await matrix.guest(pair.caller)
    await matrix.introduce(caller, callee)
    await matrix.introduce(other, callee)
    logged = len(callee.program.log)
    caller.start_call(callee.identity, "sleep", "0.5").reply.cancel()
    await callee.handled("started", "sleep", caller)
    await caller.leave()
    await callee.handled("ended", "sleep", caller)
    assert await other.call(callee, "echo", "still there") == "still there"
    await other.leave()
    assert callee.program.log[logged:] == []


@pytest.mark.parametrize("pair", FROM_OURS, ids=str)
async def test_call_to_a_participant_that_left_fails(matrix: Matrix, pair: Pair) -> None:
    """A call to a participant that has left fails with 1401"""
    caller, _ = await matrix.pair(pair)
    callee = await matrix.guest(pair.callee)
    await matrix.introduce(caller, callee)
    assert await caller.call(callee, "echo", "there") == "there"
    await callee.leave()
    await caller.gone(callee)
    with pytest.raises(CallError) as failed:
        await caller.call(callee, "echo")
    assert failed.value.code == 1401
