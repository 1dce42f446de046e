"""Peer programs that end, and cancels that come late: neither disturbs later tests."""

from __future__ import annotations

import sys

import pytest

from tests.interop.harness import LONG, PeerError, PeerProgram
from tests.interop.kinds import NODE, OURS, PYTHON, Kind, Pair
from tests.interop.matrix import Matrix

pytestmark = [pytest.mark.peers, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("kind", [OURS, PYTHON, NODE], ids=str)
async def test_program_that_was_killed_is_started_again(matrix: Matrix, kind: Kind) -> None:
    caller, callee = await matrix.quiet_pair(Pair(OURS, kind))
    pending = callee.start_call("nobody", "echo", timeout=LONG) if kind is OURS else None
    callee.program.kill()
    with pytest.raises(PeerError, match="the program ended"):
        await callee.handled("started", "absent", caller)
    if pending is not None:
        with pytest.raises(PeerError, match="the program ended"):
            await pending.outcome()
    with pytest.raises(PeerError, match="the program ended"):
        await callee.listed(caller)

    caller, again = await matrix.quiet_pair(Pair(OURS, kind))
    assert again.program is not callee.program
    assert await caller.call(again, "echo", "hi") == "hi"


async def test_error_shows_the_end_of_stderr() -> None:
    code = "import sys; sys.stdin.readline(); sys.exit('cannot go on')"
    async with PeerProgram.run(sys.executable, "-c", code, environment={}) as program:
        with pytest.raises(PeerError, match="cannot go on"):
            await program.ask("join")
        assert program.has_ended


async def test_cancel_of_a_call_that_has_ended_is_ignored(matrix: Matrix) -> None:
    caller, callee = await matrix.pair(Pair(OURS, OURS))
    call = caller.start_call(callee.identity, "echo", "hi")
    assert await call.outcome() == "hi"
    await call.cancel()
    assert await caller.call(callee, "echo", "still there") == "still there"
