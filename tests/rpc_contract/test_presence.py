"""Rows 3, 8, 10, 11, 18, 28: presence, permissions and leaving."""

from __future__ import annotations

import asyncio

import pytest

from livekit import Room, RpcError
from livekit.testing import Faults, RoomEnvironment

from .support import SLACK, Gate, Stopwatch, call, echo, error_reason, failure, listed, start_pending_call, until

Code = RpcError.ErrorCode


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_03_the_budget_bounds_a_call_on_a_dead_network(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    bob.local_participant.register_rpc_method("echo", echo)
    alice = await environment.join("alice")
    environment.memory.hold("alice")
    for budget in (0.05, 1.0, 20.0):
        watch = Stopwatch()
        error = await failure(call(alice, "bob", response_timeout=budget))
        assert error.code in (Code.RESPONSE_TIMEOUT, Code.CONNECTION_TIMEOUT)
        assert watch.seconds() <= budget + SLACK
    environment.memory.release("alice")


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_03_no_ack_within_the_latency_is_1501(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    alice = await environment.join("alice")
    environment.memory.hold("bob")
    watch = Stopwatch()
    error = await failure(call(alice, "bob", response_timeout=15.0))
    assert (error.code, error_reason(error)) == (Code.CONNECTION_TIMEOUT, "not_acknowledged")
    assert watch.seconds() == pytest.approx(7.0, abs=SLACK)
    error = await failure(call(alice, "bob", max_round_trip_latency=0.5))
    assert error.code == Code.CONNECTION_TIMEOUT
    environment.memory.release("bob")
    assert bob.isconnected()


async def test_row_08_unknown_identity_fails_with_1401(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    watch = Stopwatch()
    error = await failure(call(alice, "nobody", response_timeout=10.0))
    assert (error.code, error_reason(error)) == (Code.RECIPIENT_NOT_FOUND, "not_listed")
    assert watch.is_within(environment, (0.25 if environment.announces_joins else 3.5) + SLACK)


async def test_row_08_large_payload_to_an_unknown_identity_fails_with_1401(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    error = await failure(call(alice, "nobody", payload="x" * 20_000, response_timeout=10.0))
    assert (error.code, error_reason(error)) == (Code.RECIPIENT_NOT_FOUND, "not_listed")


@pytest.mark.parametrize("environment", ["memory-late"], indirect=True)
async def test_row_08_a_peer_not_announced_yet_is_reached(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    bob = await environment.join("bob")
    bob.local_participant.register_rpc_method("echo", echo)
    assert "bob" not in alice.remote_participants
    watch = Stopwatch()
    assert await call(alice, "bob") == "hi"
    assert watch.seconds() < 1.0
    assert await call(alice, "bob", payload="x" * 100_000) == "x" * 100_000, "waits for the listing"


async def test_row_08_a_hidden_callee_answers(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob", hidden=True)
    bob.local_participant.register_rpc_method("echo", echo)
    alice = await environment.join("alice")
    assert "bob" not in alice.remote_participants
    assert await call(alice, "bob") == "hi"


async def test_row_10_missing_own_permission_fails(environment: RoomEnvironment) -> None:
    await environment.join("bob")
    mute = await environment.join("mute", can_publish_data=False)
    watch = Stopwatch()
    error = await failure(call(mute, "bob"))
    assert (error.code, error_reason(error)) == (Code.SEND_FAILED, "cannot_publish_data")
    assert watch.is_within(environment, 0.1)


async def test_row_10_missing_permission_of_the_callee_fails(environment: RoomEnvironment) -> None:
    await environment.join("mute", can_publish_data=False)
    alice = await environment.join("alice")
    await listed(alice, "mute")
    watch = Stopwatch()
    error = await failure(call(alice, "mute"))
    assert (error.code, error_reason(error)) == (Code.SEND_FAILED, "recipient_cannot_publish_data")
    assert watch.is_within(environment, 0.1)


async def test_row_10_a_hidden_caller_fails(environment: RoomEnvironment) -> None:
    await environment.join("bob")
    hidden = await environment.join("hidden", hidden=True)
    error = await failure(call(hidden, "bob"))
    assert (error.code, error_reason(error)) == (Code.SEND_FAILED, "hidden_caller")


async def test_row_11_the_recipient_leaves_mid_call(environment: RoomEnvironment) -> None:
    _, bob, _, pending = await start_pending_call(environment)
    watch = Stopwatch()
    await asyncio.gather(bob.disconnect(), return_exceptions=True)
    error = await failure(pending)
    assert error.code == Code.RECIPIENT_DISCONNECTED
    assert watch.is_within(environment, 4.0)


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_11_the_recipient_is_removed_mid_call(environment: RoomEnvironment) -> None:
    pending = (await start_pending_call(environment)).pending
    watch = Stopwatch()
    environment.memory.remove("bob")
    assert (await failure(pending)).code == Code.RECIPIENT_DISCONNECTED
    assert watch.is_within(environment, 0.1)


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_11_the_recipient_reconnects_in_full_mid_call(environment: RoomEnvironment) -> None:
    _, bob, gate, pending = await start_pending_call(environment)
    sid = bob.local_participant.sid
    environment.memory.lose_transport("bob")
    await until(lambda: bob.local_participant.sid != sid)
    gate.opened.set()
    assert await pending == "opened", "the call goes on, and an answer from the new sid counts"
    assert len(gate.invocations) == 1


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_11_another_participant_takes_the_identity_mid_call(environment: RoomEnvironment) -> None:
    pending = (await start_pending_call(environment, response_timeout=2.0)).pending
    await environment.join("bob")
    error = await failure(pending)
    assert (error.code, error_reason(error)) == (Code.RESPONSE_TIMEOUT, "peer_restarted")


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_18_calls_wait_for_a_peer_that_is_not_active_yet(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    environment.memory.faults_of["bob"] = Faults(setup=2.0)
    bob = Room()
    bob.register_rpc_method("echo", echo)
    joining = asyncio.ensure_future(bob.connect(environment.url, environment.token("bob")))
    await until(lambda: "bob" in alice.remote_participants)
    watch = Stopwatch()
    assert await call(alice, "bob") == "hi"
    assert 1.5 < watch.seconds() < 2.5
    await joining
    await bob.disconnect()


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_18_a_peer_that_never_becomes_active_still_gets_the_request(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    environment.memory.faults_of["bob"] = Faults(setup=9.0)
    bob = Room()
    bob.register_rpc_method("echo", echo)
    joining = asyncio.ensure_future(bob.connect(environment.url, environment.token("bob")))
    await until(lambda: "bob" in alice.remote_participants)
    watch = Stopwatch()
    error = await failure(call(alice, "bob", response_timeout=5.0))
    assert error.code == Code.RESPONSE_TIMEOUT
    assert watch.seconds() == pytest.approx(5.0, abs=SLACK)
    joining.cancel()
    await asyncio.gather(joining, return_exceptions=True)


async def test_row_18_wait_for_ready_waits_for_an_absent_peer(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    waiting = asyncio.ensure_future(call(alice, "bob", wait_for_ready=True, response_timeout=10.0))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    bob = Room()
    bob.register_rpc_method("echo", echo)
    await bob.connect(environment.url, environment.token("bob"))
    assert await waiting == "hi"
    await bob.disconnect()
    error = await failure(call(alice, "carol", wait_for_ready=True, response_timeout=0.3))
    assert (error.code, error_reason(error)) == (Code.RECIPIENT_NOT_FOUND, "not_listed")


@pytest.mark.parametrize("early", ["caller", "callee"])
async def test_row_18_calls_right_after_joining_succeed(environment: RoomEnvironment, early: str) -> None:
    """No call made as soon as both have joined fails, in either order of joining."""
    rounds = 100 if environment.virtual else 5
    for number in range(rounds):
        names = {"caller": f"alice-{number}", "callee": f"bob-{number}"}
        rooms = {role: Room() for role in names}
        rooms["callee"].register_rpc_method("echo", echo)
        late = "callee" if early == "caller" else "caller"
        await rooms[early].connect(environment.url, environment.token(names[early]))
        await rooms[late].connect(environment.url, environment.token(names[late]))
        assert await call(rooms["caller"], names["callee"]) == "hi"
        await asyncio.gather(*(room.disconnect() for room in rooms.values()))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("early", ["caller", "callee"])
@pytest.mark.parametrize("environment", ["memory", "memory-late"], indirect=True)
async def test_row_18_calls_right_after_joining_succeed_in_many_rounds(
    environment: RoomEnvironment, early: str
) -> None:
    for _ in range(10):
        await test_row_18_calls_right_after_joining_succeed(environment, early)


async def test_row_28_disconnecting_cancels_running_handlers(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    gate = Gate()
    bob.local_participant.register_rpc_method("gate", gate)
    alice = await environment.join("alice")
    served = asyncio.ensure_future(call(alice, "bob", "gate"))
    await gate.entered.wait()
    await bob.disconnect()
    assert gate.cancelled
    assert gate.invocations[0].cancel_reason == Code.RECIPIENT_DISCONNECTED
    assert (await failure(served)).code == Code.RECIPIENT_DISCONNECTED


async def test_row_28_disconnecting_ends_own_pending_calls(environment: RoomEnvironment) -> None:
    alice, _, _, pending = await start_pending_call(environment)
    await alice.disconnect()
    assert (await failure(pending)).code == Code.RECIPIENT_DISCONNECTED


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_row_28_a_stuck_handler_delays_disconnect_only_briefly(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    entered, released = asyncio.Event(), asyncio.Event()

    async def stubborn(invocation: object) -> str:
        entered.set()
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return "late"

    bob.local_participant.register_rpc_method("stubborn", stubborn)
    alice = await environment.join("alice")
    pending = asyncio.ensure_future(call(alice, "bob", "stubborn"))
    await entered.wait()
    watch = Stopwatch()
    await bob.disconnect()
    assert watch.is_within(environment, 2.5)
    assert (await failure(pending)).code == Code.RECIPIENT_DISCONNECTED
    released.set()
