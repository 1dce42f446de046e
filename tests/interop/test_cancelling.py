"""Our cancel: callees with this SDK stop immediately, official ones ignore it."""

from __future__ import annotations

import pytest

from tests.interop.harness import LONG
from tests.interop.kinds import FROM_OURS, OURS, Pair
from tests.interop.matrix import Matrix
from tests.interop.test_payloads import text

pytestmark = [pytest.mark.peers, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("pair", FROM_OURS, ids=str)
async def test_official_callee_ignores_a_cancel(matrix: Matrix, pair: Pair) -> None:
    """Official callees silently ignore a cancel: the handler finishes, nothing is logged, the next call is answered"""
    caller, callee = await matrix.quiet_pair(pair)
    logged, happened = len(callee.program.log), len(callee.events)
    call = caller.start_call(callee.identity, "sleep", "0.5")
    await callee.handled("started", "sleep", caller, happened)
    await call.cancel()
    ended = await callee.handled("ended", "sleep", caller, happened)
    assert ended["how"] == "returned"
    assert await caller.call(callee, "echo", "still there") == "still there"
    assert callee.program.log[logged:] == []


@pytest.mark.parametrize("pair", FROM_OURS, ids=str)
async def test_cancel_during_transmission_of_the_request(matrix: Matrix, pair: Pair) -> None:
    """Official callees answer the next call after a large request is cancelled during transmission"""
    caller, callee = await matrix.pair(pair)
    size = 15_000 if pair.version_1 else 262_144
    await caller.start_call(callee.identity, "echo", text("random", size)).cancel()
    assert await caller.call(callee, "echo", "still there") == "still there"


async def test_our_callee_cancels_the_handler(matrix: Matrix) -> None:
    """A callee with this SDK cancels the handler immediately"""
    caller, callee = await matrix.pair(Pair(OURS, OURS))
    happened = len(callee.events)
    call = caller.start_call(callee.identity, "sleep", str(LONG), LONG)
    await callee.handled("started", "sleep", caller, happened)
    await call.cancel()
    ended = await callee.handled("ended", "sleep", caller, happened)
    assert ended["how"] == "cancelled"
