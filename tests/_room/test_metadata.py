"""Updates of a participant's own name, metadata and attributes."""

from __future__ import annotations

import pytest

from livekit.errors import RequestError, SessionClosedError
from livekit.testing import RoomEnvironment
from tests.support.mailbox import next_args


async def test_changes_are_visible_at_once_and_announced_to_other_participants(environment: RoomEnvironment) -> None:
    alice, bob = await environment.join("alice", can_update_own_metadata=True), await environment.join("bob")
    await environment.wait_for(bob, "alice")
    remote = bob.remote_participants["alice"]
    events = bob.events("participant_metadata_changed", "participant_name_changed", "participant_attributes_changed")
    local = alice.local_participant
    await local.set_metadata("busy")
    assert local.metadata == "busy"
    assert await next_args(events) == (remote, "", "busy")
    await local.set_name("Alice")
    assert local.name == "Alice"
    assert await next_args(events) == (remote, "", "Alice")
    await local.set_attributes({"a": "1", "b": "2"})
    assert await next_args(events) == ({"a": "1", "b": "2"}, remote)
    await local.set_attributes({"a": "", "c": "3"})
    assert local.attributes == {"b": "2", "c": "3"}
    assert await next_args(events) == ({"a": "", "c": "3"}, remote)
    assert remote.attributes == {"b": "2", "c": "3"}


async def test_local_changes_are_emitted_once(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice", can_update_own_metadata=True)
    events = alice.events("participant_metadata_changed")
    await alice.local_participant.set_metadata("one")
    await alice.local_participant.set_metadata("two")
    assert await next_args(events) == (alice.local_participant, "", "one")
    assert await next_args(events) == (alice.local_participant, "one", "two")


async def test_refusal_carries_the_reason_of_the_server(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice", can_update_own_metadata=True)
    bob = await environment.join("bob", can_update_own_metadata=False)
    with pytest.raises(RequestError, match="permission") as caught:
        await bob.local_participant.set_metadata("x")
    assert caught.value.reason == "NOT_ALLOWED"
    assert bob.local_participant.metadata == ""
    with pytest.raises(RequestError, match="limit") as caught:
        await alice.local_participant.set_name("x" * 257)
    assert caught.value.reason == "LIMIT_EXCEEDED"


async def test_update_after_disconnecting_raises(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    local = alice.local_participant
    await alice.disconnect()
    with pytest.raises(SessionClosedError, match="not connected"):
        await local.set_name("x")
