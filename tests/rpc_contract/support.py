"""Calling, and what a failed call must say."""

from __future__ import annotations

import asyncio
import json
import string
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, NamedTuple

import pytest

from livekit import RemoteParticipant, Room, RpcError, RpcInvocationData
from livekit.testing import RoomEnvironment

SLACK = 0.25
"""Seconds that a call may take longer than its budget."""
BUSY = 2.5
"""Seconds more that a busy machine may take where the clock is real."""


def call(room: Room, to: str, method: str = "echo", payload: str = "hi", **options: Any) -> Awaitable[str]:
    return room.local_participant.perform_rpc(destination_identity=to, method=method, payload=payload, **options)


async def failure(attempt: Awaitable[str]) -> RpcError:
    """The error of a call that must fail."""
    with pytest.raises(RpcError) as caught:
        await attempt
    return caught.value


def why(error: RpcError) -> str:
    """The reason in an error's data."""
    assert error.data is not None, f"{error!r} says nothing of why"
    return str(json.loads(error.data)["reason"])


def echo(invocation: RpcInvocationData) -> str:
    return invocation.payload


def incompressible(size: int, seed: int = 0) -> str:
    """Text that does not get smaller by compressing it."""
    return "".join(Random(seed).choices(string.ascii_letters + string.digits, k=size))


async def until(condition: Callable[[], bool]) -> None:
    """Wait, with short naps on the loop's clock, for something that no event tells."""
    while not condition():  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.01)


async def listed(room: Room, identity: str) -> None:
    """Wait until `identity` is announced as active."""
    active = asyncio.Event()

    @room.on("participant_active")
    def became_active(participant: RemoteParticipant) -> None:
        if participant.identity == identity:
            active.set()

    known = room.remote_participants.get(identity)
    if known is None or known.state != 2:
        await asyncio.wait_for(active.wait(), 8.0)


class Gate:
    """A handler that waits until it is opened, and notes how it ended."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()
        self.ended = asyncio.Event()
        self.cancelled = False
        self.invocations: list[RpcInvocationData] = []

    async def __call__(self, invocation: RpcInvocationData) -> str:
        self.invocations.append(invocation)
        self.entered.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.ended.set()
        return "opened"


class UnderWay(NamedTuple):
    """A call from Alice to Bob, whose handler has begun and waits."""

    alice: Room
    bob: Room
    gate: Gate
    pending: asyncio.Future[str]


async def under_way(environment: RoomEnvironment, **options: Any) -> UnderWay:
    bob = await environment.join("bob")
    gate = Gate()
    bob.local_participant.register_rpc_method("gate", gate)
    alice = await environment.join("alice")
    pending = asyncio.ensure_future(call(alice, "bob", "gate", **options))
    await gate.entered.wait()
    return UnderWay(alice, bob, gate, pending)


class Stopwatch:
    """Seconds on the clock of the event loop."""

    def __init__(self) -> None:
        self._started = asyncio.get_running_loop().time()

    def seconds(self) -> float:
        return asyncio.get_running_loop().time() - self._started

    def is_within(self, environment: RoomEnvironment, seconds: float) -> bool:
        """Whether no more have passed than these, and what the machine may be excused for."""
        return self.seconds() <= seconds + (0.0 if environment.virtual else BUSY)
