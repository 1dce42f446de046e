"""Row 8: calls made at random moments around the join, or the return, of their callee."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import pytest

from livekit import Room, RpcError, RpcInvocationData
from livekit.testing import RoomEnvironment

from .support import BUSY, Stopwatch, call

CALLS = 3
"""Calls per round."""
SPAN = 0.3
"""Seconds in which calls are made and the callee joins."""
ANSWERED_WITHIN = 1.0
"""Seconds to an answer, where joins are announced immediately: the join, and the wait for an acknowledgement."""
ANNOUNCED_WITHIN = 4.5
"""The same where they are announced up to 3 s late."""
NOT_LISTED = '1401 {"reason":"not_listed"}'
LEFT = "1503 None"


class Race:
    """Alice calls Bob while he joins."""

    def __init__(self, environment: RoomEnvironment, alice: Room, seed: int) -> None:
        self.environment = environment
        self.alice = alice
        self.random = Random(seed)
        self.outcomes: Counter[str] = Counter()
        self.runs: Counter[str] = Counter()
        self.slowest = 0.0

    def answer(self, invocation: RpcInvocationData) -> str:
        self.runs[invocation.request_id] += 1
        return invocation.payload

    async def call(self, identity: str) -> None:
        await asyncio.sleep(self.random.uniform(0.0, SPAN))
        watch = Stopwatch()
        try:
            outcome = await call(self.alice, identity)
        except RpcError as error:
            outcome = f"{error.code} {error.data}"
        self.outcomes[outcome] += 1
        self.slowest = max(self.slowest, watch.seconds())

    async def round(self, bob: Room, identity: str) -> None:
        calls = [asyncio.ensure_future(self.call(identity)) for _ in range(CALLS)]
        await asyncio.sleep(self.random.uniform(0.0, SPAN))
        await bob.disconnect()
        await bob.connect(self.environment.url, self.environment.token(identity))
        await asyncio.gather(*calls)

    def check(self, rounds: int) -> None:
        """Every call was answered after one run, or failed because its callee was not there yet or just leaving."""
        limit = ANSWERED_WITHIN if self.environment.announces_joins else ANNOUNCED_WITHIN
        assert self.slowest <= limit + (0.0 if self.environment.virtual else BUSY), self.outcomes
        assert set(self.outcomes) <= {"hi", NOT_LISTED, LEFT}
        assert sum(self.outcomes.values()) == rounds * CALLS
        assert 0 < self.outcomes["hi"] <= len(self.runs)
        assert self.outcomes[LEFT] < rounds / 10
        assert set(self.runs.values()) == {1}, "each ran once"


async def run_races(environment: RoomEnvironment, rounds: int, *, rejoin: bool) -> None:
    race = Race(environment, await environment.join("alice"), seed=rounds)
    bob = Room()
    bob.register_rpc_method("echo", race.answer)
    for number in range(rounds):
        await race.round(bob, "bob" if rejoin else f"bob-{number}")
    await bob.disconnect()
    race.check(rounds)


@pytest.mark.parametrize(
    ("environment", "rejoin"),
    [("memory", False), ("memory", True), ("memory-late", False), ("embedded", False), ("embedded", True)],
    indirect=["environment"],
)
async def test_row_08_calls_around_a_join_are_answered_once(environment: RoomEnvironment, rejoin: bool) -> None:
    await run_races(environment, 100 if environment.virtual else 4, rejoin=rejoin)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("environment", ["memory", "embedded"], indirect=True)
@pytest.mark.parametrize("rejoin", [False, True])
async def test_row_08_a_thousand_joins(environment: RoomEnvironment, rejoin: bool) -> None:
    await run_races(environment, 1_000, rejoin=rejoin)


@pytest.mark.parametrize("environment", ["memory", "embedded"], indirect=True)
async def test_row_08_a_call_right_before_its_callee_joins_is_answered(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    bob = Room()
    bob.register_rpc_method("echo", lambda invocation: invocation.payload)
    watch = Stopwatch()
    pending = asyncio.ensure_future(call(alice, "bob", response_timeout=5.0))
    await asyncio.sleep(0.02)
    await bob.connect(environment.url, environment.token("bob"))
    assert await pending == "hi"
    assert watch.is_within(environment, ANSWERED_WITHIN)
    await bob.disconnect()
