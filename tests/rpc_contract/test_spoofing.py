"""Row 27: a request runs once, and only its callee may answer."""

from __future__ import annotations

import asyncio

import pytest

from livekit import Room, RpcError, RpcInvocationData
from livekit.protocol import models
from livekit.rpc import wire
from livekit.streams.framing import text_stream
from livekit.testing import RoomEnvironment

from .support import Gate, call, echo, start_pending_call

pytestmark = pytest.mark.parametrize("environment", ["memory"], indirect=True)


def send(room: Room, packet: models.DataPacket) -> None:
    """Send a forged packet, bypassing all checks of the participant."""
    session = room._session
    assert session is not None
    session.engine.send_packet(packet)


def stream(request_id: str, topic: str, attributes: dict[str, str], payload: str, to: str) -> models.DataPacket:
    packet = text_stream(payload, topic=topic, destinations=[to], attributes=attributes, inline=True, timestamp_ms=0)
    assert isinstance(packet, models.DataPacket)
    return packet


async def test_row_27_answers_of_a_third_participant_do_not_count(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    gate = Gate()
    bob.local_participant.register_rpc_method("gate", gate)
    alice, mallory = await environment.join("alice"), await environment.join("mallory")
    pending = asyncio.ensure_future(call(alice, "bob", "gate"))
    await gate.entered.wait()
    request_id = gate.invocations[0].request_id
    send(mallory, wire.response_packet("alice", request_id, "forged"))
    send(mallory, wire.error_packet("alice", request_id, RpcError(2000, "forged")))
    attributes = {wire.ATTR_REQUEST_ID: request_id}
    send(mallory, stream(request_id, wire.RESPONSE_TOPIC, attributes, "forged", "alice"))
    forged = wire.response_packet("alice", request_id, "forged")
    forged.participant_identity = "bob"
    send(mallory, forged)
    send(mallory, wire.cancel_packet("bob", request_id, request_id))
    await asyncio.sleep(0.5)
    assert not pending.done()
    assert not gate.cancelled
    gate.opened.set()
    assert await pending == "opened"


async def test_row_27_a_repeated_request_runs_once(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    runs: list[RpcInvocationData] = []
    bob.local_participant.register_rpc_method("count", runs.append)
    mallory = await environment.join("mallory")
    first, second = wire.new_request_id(), wire.new_request_id()
    for _ in range(3):
        send(mallory, wire.request_packet("bob", first, "count", "", 1000))
        attributes = wire.request_attributes(second, "count", 1000)
        send(mallory, stream(second, wire.REQUEST_TOPIC, attributes, "", "bob"))
        await asyncio.sleep(0.1)
    assert [run.request_id for run in runs] == [first, second]


async def test_participants_do_not_pass_for_a_backend(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    runs: list[RpcInvocationData] = []
    bob.local_participant.register_rpc_method("count", runs.append)
    mallory = await environment.join("mallory")
    send(mallory, wire.request_packet("bob", "mallory", "count", "", 1000))
    send(mallory, stream("mallory", wire.REQUEST_TOPIC, wire.request_attributes("mallory", "count", 1000), "", "bob"))
    await call(mallory, "bob", "count")
    assert [(run.caller_identity, run.is_from_backend) for run in runs] == [("mallory", False)]


async def test_row_27_request_ids_are_scoped_to_the_sender(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    runs: list[str] = []
    bob.local_participant.register_rpc_method("count", lambda invocation: runs.append(invocation.caller_identity))
    request_id = wire.new_request_id()
    for name in ("mallory", "alice"):
        send(await environment.join(name), wire.request_packet("bob", request_id, "count", "", 1000))
        await asyncio.sleep(0.1)
    assert runs == ["mallory", "alice"]


async def test_row_27_unsolicited_acks_and_answers_are_ignored(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    bob.local_participant.register_rpc_method("echo", echo)
    alice = await environment.join("alice")
    for request_id in ("", "unknown", wire.new_request_id()):
        send(bob, wire.ack_packet("alice", request_id))
        send(bob, wire.response_packet("alice", request_id, "?"))
        send(bob, wire.cancel_packet("alice", request_id, request_id))
    assert await call(alice, "bob") == "hi"


async def test_row_27_duplicate_packets_after_a_resume_are_dropped(environment: RoomEnvironment) -> None:
    bob = await environment.join("bob")
    runs: list[str] = []
    bob.local_participant.register_rpc_method("count", lambda invocation: runs.append(invocation.payload))
    alice = await environment.join("alice")
    for number in range(50):
        if number % 10 == 5:
            environment.memory.lose_signal("alice")
            environment.memory.lose_signal("bob")
        await call(alice, "bob", "count", str(number))
    assert runs == [str(number) for number in range(50)]


async def test_row_27_an_answer_without_a_sender_is_ignored(environment: RoomEnvironment) -> None:
    _, _, gate, pending = await start_pending_call(environment)
    nameless = wire.response_packet("alice", gate.invocations[0].request_id, "without a sender")
    environment.memory.inject("alice", nameless)
    await asyncio.sleep(0.1)
    assert not pending.done(), "bob was listed: an answer must name him"
    gate.opened.set()
    assert await pending == "opened"
