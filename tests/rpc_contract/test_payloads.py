"""Rows 14, 29, 31, 32: payload limits, load, fairness and encryption."""

from __future__ import annotations

import asyncio

import pytest

from livekit import RoomOptions, RpcError
from livekit.e2ee import E2EEOptions, KeyProviderOptions
from livekit.options import RpcOptions
from livekit.testing import RoomEnvironment

from .support import call, echo, failure, incompressible, listed

Code = RpcError.ErrorCode
LIMIT = 262_144


def limited(size: int | None) -> RoomOptions:
    return RoomOptions(rpc=RpcOptions(max_payload_size=size))


@pytest.mark.parametrize("size", [0, 1, 15_359, 15_360, 15_361, 65_535, 65_536, LIMIT])
@pytest.mark.parametrize("character", ["a", "é", "🎈"])
async def test_row_14_sizes_up_to_the_limit(environment: RoomEnvironment, size: int, character: str) -> None:
    bob = await environment.join("bob")
    bob.local_participant.register_rpc_method("echo", echo)
    alice = await environment.join("alice")
    width = len(character.encode())
    payload = character * (size // width) + "a" * (size % width)
    assert await call(alice, "bob", payload=payload) == payload


async def test_row_14_payloads_over_the_limit_fail(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    bob.local_participant.register_rpc_method("echo", echo)
    bob.local_participant.register_rpc_method("large", lambda invocation: "x" * (LIMIT + 1))
    alice = await environment.join("alice")
    assert (await failure(call(alice, "bob", payload="x" * (LIMIT + 1)))).code == Code.REQUEST_PAYLOAD_TOO_LARGE
    error = await failure(call(alice, "bob", "large"))
    assert (error.code, error.message) == (Code.RESPONSE_PAYLOAD_TOO_LARGE, "Response payload too large")


async def test_row_14_limits_can_be_disabled(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob", options=limited(None))
    bob.local_participant.register_rpc_method("echo", echo)
    alice = await environment.join("alice", options=limited(None))
    payload = "long " * 200_000
    assert await call(alice, "bob", payload=payload) == payload


async def test_row_14_the_receiver_has_the_smaller_limit(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob", options=limited(20_000))
    bob.local_participant.register_rpc_method("echo", echo)
    bob.local_participant.register_rpc_method("ask", lambda invocation: "y" * 50_000)
    alice = await environment.join("alice")
    for payload in ("x" * 20_001, "".join(str(number) for number in range(20_000))):
        assert (await failure(call(alice, "bob", payload=payload))).code == Code.REQUEST_PAYLOAD_TOO_LARGE
    assert (await failure(call(alice, "bob", "ask"))).code == Code.RESPONSE_PAYLOAD_TOO_LARGE
    alice.local_participant.register_rpc_method("large", lambda invocation: "y" * 50_000)
    assert (await failure(call(bob, "alice", "large"))).code == Code.RESPONSE_PAYLOAD_TOO_LARGE


@pytest.mark.parametrize("in_flight", [1, 64, 1_000])
async def test_row_29_many_calls_at_once(environment: RoomEnvironment, in_flight: int) -> None:
    bob = await environment.join("bob")
    bob.local_participant.register_rpc_method("echo", echo)
    alice = await environment.join("alice")
    answers = await asyncio.gather(*(call(alice, "bob", payload=str(number)) for number in range(in_flight)))
    assert answers == [str(number) for number in range(in_flight)]


async def test_row_31_a_large_call_does_not_block_a_small_one(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    bob.local_participant.register_rpc_method("echo", echo)
    alice = await environment.join("alice")
    order: list[str] = []

    async def note(name: str, payload: str) -> None:
        assert await call(alice, "bob", payload=payload) == payload
        order.append(name)

    large = [asyncio.ensure_future(note("large", incompressible(LIMIT, seed))) for seed in range(4)]
    await asyncio.sleep(0)
    small = asyncio.ensure_future(note("small", "x"))
    await asyncio.gather(small, *large)
    assert order[0] == "small"


async def test_row_32_calls_in_encrypted_rooms(environment: RoomEnvironment) -> None:
    def encrypted(key: bytes) -> RoomOptions:
        return RoomOptions(encryption=E2EEOptions(KeyProviderOptions(shared_key=key)))

    bob = await environment.join("bob", options=encrypted(b"key"))
    bob.local_participant.register_rpc_method("echo", echo)
    alice = await environment.join("alice", options=encrypted(b"key"))
    plain = await environment.join("plain")
    assert await call(alice, "bob", payload="x" * 100_000) == "x" * 100_000
    error = await failure(call(plain, "bob", response_timeout=1.0))
    assert error.code == Code.RESPONSE_TIMEOUT
    plain.local_participant.register_rpc_method("echo", echo)
    await listed(alice, "plain")
    assert (await failure(call(alice, "plain", response_timeout=1.0))).code == Code.RESPONSE_TIMEOUT
