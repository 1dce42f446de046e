"""Deadlines, with SDKs that send and apply timeouts differently."""

from __future__ import annotations

import json
import time

import pytest

from tests.interop.harness import CallError
from tests.interop.kinds import FROM_OURS, TO_OURS, WITH_OURS, Pair
from tests.interop.matrix import Matrix

HANDLER_TAKES = "2.5"
"""Seconds; official callers log the late answer, so the test waits for it."""

pytestmark = [pytest.mark.peers, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("pair", WITH_OURS, ids=str)
async def test_handler_within_the_timeout_finishes(matrix: Matrix, pair: Pair) -> None:
    """A handler that takes 2 s finishes within a timeout of 5 s"""
    caller, callee = await matrix.pair(pair)
    assert await caller.call(callee, "sleep", "2", timeout=5.0) == "slept"


@pytest.mark.parametrize("pair", WITH_OURS, ids=str)
async def test_handler_beyond_the_timeout_fails_its_call_only(matrix: Matrix, pair: Pair) -> None:
    """A call with a timeout of 0.5 s fails with 1502 after it; its late answer affects no other call"""
    caller, callee = await matrix.pair(pair)
    happened = len(callee.events)
    started = time.monotonic()
    with pytest.raises(CallError) as failed:
        await caller.call(callee, "sleep", HANDLER_TAKES, timeout=0.5)
    assert failed.value.code == 1502
    assert 0.45 <= time.monotonic() - started < float(HANDLER_TAKES), "before the handler has ended"
    assert await caller.call(callee, "echo", "still there") == "still there"
    await callee.handled("ended", "sleep", caller, happened)
    assert await caller.call(callee, "echo", "still there") == "still there"


@pytest.mark.parametrize("pair", TO_OURS, ids=str)
async def test_timeouts_that_official_callers_send(matrix: Matrix, pair: Pair) -> None:
    """Rust-based callers send their timeout less 7 s, at least 1 s; livekit-client sends it in full, at least 8 s"""
    caller, callee = await matrix.pair(pair)
    sent = {
        timeout: json.loads(await caller.call(callee, "describe", "", timeout=timeout))["response_timeout"]
        for timeout in (1.0, 5.0, 8.0, 10.0, 15.0, None)
    }
    if pair.caller.program == "browser":
        assert sent == {1.0: 8.0, 5.0: 8.0, 8.0: 8.0, 10.0: 10.0, 15.0: 15.0, None: 15.0}
    else:
        assert sent == {1.0: 1.0, 5.0: 1.0, 8.0: 1.0, 10.0: 3.0, 15.0: 8.0, None: 8.0}


@pytest.mark.parametrize("pair", FROM_OURS, ids=str)
async def test_unknown_identity_fails(matrix: Matrix, pair: Pair) -> None:
    """A call to an identity that is not in the room fails with 1401"""
    caller, _ = await matrix.pair(pair)
    with pytest.raises(CallError) as failed:
        await caller.start_call("nobody", "echo").outcome()
    assert (failed.value.code, failed.value.data) == (1401, '{"reason":"not_listed"}')
