"""Helpers for calls and their errors."""

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
"""Seconds by which a call may exceed its budget."""
BUSY = 2.5
"""Further seconds for a busy machine, with a real clock."""


def call(room: Room, to: str, method: str = "echo", payload: str = "hi", **options: Any) -> Awaitable[str]:
    return room.local_participant.perform_rpc(destination_identity=to, method=method, payload=payload, **options)


async def failure(attempt: Awaitable[str]) -> RpcError:
    """Return the error of a call that must fail."""
    with pytest.raises(RpcError) as caught:
        await attempt
    return caught.value


def error_reason(error: RpcError) -> str:
    """Return the reason in an error's data."""
    assert error.data is not None, f"{error!r} has no reason"
    return str(json.loads(error.data)["reason"])


def echo(invocation: RpcInvocationData) -> str:
    return invocation.payload


def incompressible(size: int, seed: int = 0) -> str:
    """Return text that does not compress."""
    return "".join(Random(seed).choices(string.ascii_letters + string.digits, k=size))


async def until(condition: Callable[[], bool]) -> None:
    """Poll, on the loop's clock, until `condition` holds."""
    while not condition():  # noqa: ASYNC110 - no event to wait for
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
    """A handler that waits until it is opened, and records how it ended."""

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


class PendingCall(NamedTuple):
    """A call from Alice to Bob, whose handler has started and waits."""

    alice: Room
    bob: Room
    gate: Gate
    pending: asyncio.Future[str]


async def start_pending_call(environment: RoomEnvironment, **options: Any) -> PendingCall:
    bob = await environment.join("bob")
    gate = Gate()
    bob.local_participant.register_rpc_method("gate", gate)
    alice = await environment.join("alice")
    pending = asyncio.ensure_future(call(alice, "bob", "gate", **options))
    await gate.entered.wait()
    return PendingCall(alice, bob, gate, pending)


class Stopwatch:
    """Seconds on the clock of the event loop."""

    def __init__(self) -> None:
        self._started = asyncio.get_running_loop().time()

    def seconds(self) -> float:
        return asyncio.get_running_loop().time() - self._started

    def is_within(self, environment: RoomEnvironment, seconds: float) -> bool:
        """Return True if no more than `seconds` have passed, with an allowance for a busy machine."""
        return self.seconds() <= seconds + (0.0 if environment.virtual else BUSY)
