"""Calls that cannot succeed: the error of our caller and the time to it, compared with the official SDK."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from livekit.rpc.wire import MAX_V1_PAYLOAD_BYTES
from tests.interop.harness import LONG, CallError, Participant, PeerError
from tests.interop.kinds import BROWSER_0, OURS, PYTHON, Kind, Pair
from tests.interop.matrix import Matrix

pytestmark = [pytest.mark.peers, pytest.mark.asyncio(loop_scope="session")]

SLACK = 3.0
"""Seconds that a busy machine may add; a call that waited for its timeout would take 10 or more."""


@dataclass
class Attempt:
    """A call about to fail: `go` makes it and returns when it has failed."""

    go: Callable[[], Awaitable[object]]


async def listed(matrix: Matrix, kind: Kind, callee: Kind = PYTHON) -> tuple[Participant, Participant]:
    return await matrix.pair(Pair(kind, callee))


async def unknown_identity(matrix: Matrix, kind: Kind) -> Attempt:
    caller, _ = await listed(matrix, kind)
    return Attempt(lambda: caller.start_call("nobody", "echo").outcome())


async def left_before(matrix: Matrix, kind: Kind) -> Attempt:
    caller, callee = (await listed(matrix, kind))[0], await matrix.guest(PYTHON)
    await matrix.introduce(caller, callee)
    await callee.leave()
    await caller.gone(callee)
    return Attempt(lambda: caller.call(callee, "echo"))


async def leaves_meanwhile(matrix: Matrix, kind: Kind) -> Attempt:
    caller, callee = (await listed(matrix, kind))[0], await matrix.guest(PYTHON)
    await matrix.introduce(caller, callee)
    call = caller.start_call(callee.identity, "sleep", str(LONG), LONG)
    await callee.handled("started", "sleep", caller)

    async def leave() -> None:
        await callee.leave()
        await call.outcome()

    return Attempt(leave)


async def removed_meanwhile(matrix: Matrix, kind: Kind) -> Attempt:
    caller, callee = (await listed(matrix, kind))[0], await matrix.guest(PYTHON)
    await matrix.introduce(caller, callee)
    call = caller.start_call(callee.identity, "sleep", str(LONG), LONG)
    await callee.handled("started", "sleep", caller)

    async def remove() -> None:
        await matrix.remove(callee)
        await call.outcome()

    return Attempt(remove)


async def hidden_caller(matrix: Matrix, kind: Kind) -> Attempt:
    _, callee = await listed(matrix, kind)
    caller = await matrix.guest(kind, hidden=True)
    await caller.listed(callee)
    return Attempt(lambda: caller.call(callee, "echo"))


async def own_grant_missing(matrix: Matrix, kind: Kind) -> Attempt:
    _, callee = await listed(matrix, kind)
    caller = await matrix.guest(kind, can_publish_data=False)
    await matrix.introduce(caller, callee)
    return Attempt(lambda: caller.call(callee, "echo"))


async def their_grant_missing(matrix: Matrix, kind: Kind) -> Attempt:
    caller, _ = await listed(matrix, kind)
    callee = await matrix.guest(PYTHON, can_publish_data=False)
    await matrix.introduce(caller, callee)
    return Attempt(lambda: caller.call(callee, "echo"))


async def unknown_method(matrix: Matrix, kind: Kind) -> Attempt:
    caller, callee = await listed(matrix, kind)
    return Attempt(lambda: caller.call(callee, "no such method"))


async def too_large(matrix: Matrix, kind: Kind) -> Attempt:
    caller, callee = await listed(matrix, kind, BROWSER_0)
    return Attempt(lambda: caller.call(callee, "echo", "x" * (MAX_V1_PAYLOAD_BYTES + 1)))


async def response_too_large(matrix: Matrix, kind: Kind) -> Attempt:
    caller, callee = await listed(matrix, kind, BROWSER_0)
    payload = json.dumps({"text": "x", "times": MAX_V1_PAYLOAD_BYTES + 1})
    return Attempt(lambda: caller.call(callee, "repeat", payload))


async def not_connected(matrix: Matrix, kind: Kind) -> Attempt:
    _, callee = await listed(matrix, kind)
    caller = await matrix.guest(kind)
    await caller.leave()
    return Attempt(lambda: caller.call(callee, "echo"))


@dataclass(frozen=True)
class Case:
    title: str
    prepare: Callable[[Matrix, Kind], Awaitable[Attempt]]
    code: int
    data: str | None = None
    seconds: float = 0.1

    def __str__(self) -> str:
        return self.prepare.__name__


CASES = (
    Case("the identity is not in the room", unknown_identity, 1401, "not_listed", 0.3),
    Case("the callee has left", left_before, 1401, "not_listed", 0.3),
    Case("the callee leaves during the call", leaves_meanwhile, 1503),
    Case("the callee is removed during the call", removed_meanwhile, 1503),
    Case("the caller is hidden, so no answer can find it", hidden_caller, 1505, "hidden_caller"),
    Case("the caller may not publish data", own_grant_missing, 1505, "cannot_publish_data"),
    Case("the callee may not publish data", their_grant_missing, 1505, "recipient_cannot_publish_data"),
    Case("the method is not registered", unknown_method, 1400),
    Case("the request is too large for the callee (version 1)", too_large, 1402),
    Case("the response is too large for the caller (version 1)", response_too_large, 1504),
    Case("the caller's room is not connected", not_connected, 1505, "not_connected"),
)


async def measure(attempt: Attempt) -> tuple[Exception, float]:
    started = time.monotonic()
    with pytest.raises((CallError, PeerError)) as failed:
        await attempt.go()
    return failed.value, time.monotonic() - started


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_our_caller_fails_fast(
    matrix: Matrix, case: Case, embedded_server: bool, record_property: Callable[[str, object], None]
) -> None:
    """A call that cannot succeed fails fast, with the right code and reason"""
    error, seconds = await measure(await case.prepare(matrix, OURS))
    record_property("failure", [case.title, "ours", str(error), seconds])
    assert isinstance(error, CallError), error
    assert error.code == case.code
    if case.data is not None:
        assert json.loads(error.data or "{}") == {"reason": case.data}
    if embedded_server:
        assert seconds < case.seconds + SLACK


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_official_caller_for_comparison(
    matrix: Matrix, case: Case, record_property: Callable[[str, object], None]
) -> None:
    """The same calls with the official Python SDK, for comparison"""
    error, seconds = await measure(await case.prepare(matrix, PYTHON))
    record_property("failure", [case.title, "official", str(error), seconds])
    assert seconds < 20.0
