"""Dispatch of agents to rooms."""

from __future__ import annotations

import pytest

from livekit.protocol import agent
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.server import RoomSettings, limits
from livekit.server.agents.dispatches import LEAVE_TIMEOUT, TooManyDispatchesError
from livekit.server.auth import TokenAuthority
from livekit.server.claims import Claims, InvalidClaimsError
from livekit.server.permissions import parse_grants
from livekit.server.responses import DisconnectReason
from livekit.server.room_manager import RoomFullError, RoomManager
from tests.server.agents.fake_worker import KEYS, FakeWorker, make_handler
from tests.server.recording_link import EPOCH, grants, join, make_rooms

HELPER = RoomAgentDispatch(agent_name="helper", metadata="why", attributes={"k": "v"})


def test_named_agent_needs_explicit_dispatch() -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    helper, other = FakeWorker(agents, "helper"), FakeWorker(agents, "other")
    alice = join(rooms, "alice")
    assert helper.offered == []
    made = agents.dispatches.create(alice.room, HELPER, 1.0)
    assert made.id.startswith("AD_")
    assert (made.agent_name, made.room, made.metadata, dict(made.attributes)) == ("helper", "demo", "why", {"k": "v"})
    assert made.state.created_at == int((EPOCH + 1) * 1e9)
    [job] = helper.offered
    assert (job.dispatch_id, job.agent_name, job.metadata, dict(job.attributes)) == (
        made.id,
        "helper",
        "why",
        {"k": "v"},
    )
    assert other.offered == []
    helper.accept()
    [found] = agents.dispatches.list("demo", made.id)
    assert [(one.id, one.state.participant_identity) for one in found.state.jobs] == [(job.id, "agent")]
    assert len(agents.dispatches.list("demo")) == 2, "this one, and the one for agents without a name"
    assert agents.dispatches.list("demo", "AD_other") == []
    assert agents.dispatches.list("elsewhere") == []


def test_room_with_explicit_agents_gets_no_other_agents() -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    helper, any_agent = FakeWorker(agents, "helper"), FakeWorker(agents)
    rooms.create("demo", 0.0, RoomSettings(agents=[HELPER]))
    assert len(helper.offered) == 1
    assert any_agent.offered == []


def test_token_requests_agents() -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    helper, any_agent = FakeWorker(agents, "helper"), FakeWorker(agents)
    config = {"agents": [{"agentName": "helper", "metadata": "why"}], "metadata": "about", "maxParticipants": 3}
    claims = {"iss": "key", "sub": "alice", "video": {"roomJoin": True, "room": "demo"}, "roomConfig": config}
    alice = join(rooms, parse_grants(Claims(claims)))
    assert [job.metadata for job in helper.offered] == ["why"]
    assert any_agent.offered == []
    assert (alice.room.info().metadata, alice.room.info().max_participants) == ("about", 3)
    join(rooms, parse_grants(Claims({**claims, "sub": "bob"})))
    assert len(helper.offered) == 1, "the room is there already"
    authority = TokenAuthority(KEYS)
    refreshed = authority.verify(authority.refresh(alice.participant.grants, alice.participant.info()))
    assert refreshed.room_config == alice.participant.grants.room_config


@pytest.mark.parametrize("config", [{"agents": "helper"}, {"maxParticipants": "many"}, {"metadata": "\ud800"}, "text"])
def test_token_with_an_invalid_room_configuration(config: object) -> None:
    with pytest.raises(InvalidClaimsError, match="roomConfig"):
        parse_grants(Claims({"iss": "key", "roomConfig": config}))


def test_each_namespace_gets_a_job() -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    workers = [FakeWorker(agents, namespace=name) for name in ("", "a", "a")]
    join(rooms, "alice")
    assert len(workers[0].offered) == 1
    assert len(workers[1].offered) + len(workers[2].offered) == 1


def test_jobs_for_participants() -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    kept = FakeWorker(agents, job_type=agent.JT_PARTICIPANT)
    alice = join(rooms, "alice")
    join(rooms, "bob")
    assert [(job.type, job.participant.identity) for job in kept.offered] == [
        (agent.JT_PARTICIPANT, "alice"),
        (agent.JT_PARTICIPANT, "bob"),
    ]
    join(rooms, grants("agent", kind="agent"))
    assert len(kept.offered) == 2, "agents get no agents"
    agents.dispatches.create(alice.room, RoomAgentDispatch(), 0.0)
    assert [job.participant.identity for job in kept.offered[2:]] == ["alice", "bob"]


def test_joining_agent_launches_no_participant_jobs() -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    kept = FakeWorker(agents)
    join(rooms, grants("agent", kind="agent"))
    assert kept.offered == []
    assert agents.dispatches.list("demo") == []


def test_room_closes_when_only_agents_remain() -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    kept = FakeWorker(agents)
    alice = join(rooms, "alice")
    agent_member = join(rooms, kept.accept())
    alice.room.remove(alice.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    rooms.tick(20.9)
    assert agent_member.is_in_room()
    rooms.tick(21.0)
    assert rooms.rooms == []
    assert agent_member.signal("leave").leave.reason == DisconnectReason.ROOM_CLOSED
    assert kept.terminated == [kept.offered[0].id]
    assert agents.jobs.running == []
    assert agents.dispatches.list("demo") == []


def test_joining_agent_does_not_keep_an_empty_room_open() -> None:
    rooms = make_rooms()
    alice = join(rooms, "alice")
    alice.room.remove(alice.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    join(rooms, grants("agent", kind="agent"), now=2.0)
    rooms.tick(21.0)
    assert rooms.rooms == []


def test_returning_participant_keeps_the_room_open() -> None:
    rooms = make_rooms()
    alice = join(rooms, "alice")
    agent_member = join(rooms, grants("agent", kind="agent"))
    alice.room.remove(alice.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    join(rooms, "alice", now=2.0)
    rooms.tick(60.0)
    assert agent_member.is_in_room()


def test_agents_wait_for_others_as_long_as_an_empty_room() -> None:
    rooms = make_rooms()
    agent_member = join(rooms, grants("agent", kind="agent"))
    for second in range(1, 300):
        agent_member.participant.last_signal_at = float(second)
        rooms.tick(float(second))
    assert agent_member.is_in_room()
    rooms.tick(300.0)
    assert rooms.rooms == []


def test_leaving_agent_does_not_end_a_room_that_nobody_else_has_joined() -> None:
    rooms = make_rooms()
    agent_member = join(rooms, grants("agent", kind="agent"))
    agent_member.room.remove(agent_member.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    rooms.tick(299.0)
    assert rooms.rooms == [agent_member.room]


def test_leaving_agent_prolongs_the_departure_timeout() -> None:
    rooms = make_rooms()
    alice, agent_member = join(rooms, "alice"), join(rooms, grants("agent", kind="agent"))
    alice.room.remove(alice.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    agent_member.room.remove(agent_member.participant, DisconnectReason.CLIENT_INITIATED, 11.0)
    rooms.tick(30.9)
    assert rooms.rooms == [alice.room]
    rooms.tick(31.0)
    assert rooms.rooms == []


def test_offers_of_a_closed_room_are_withdrawn() -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    kept = FakeWorker(agents)
    alice = join(rooms, "alice")
    rooms.close_room(alice.room, DisconnectReason.ROOM_DELETED, 1.0)
    assert agents.jobs.offered == 0
    job_id = kept.offered[0].id
    kept.say(agent.WorkerMessage(availability=agent.AvailabilityResponse(job_id=job_id, available=True)))
    assert kept.kinds == ["register", "availability"], "no token for it"


def test_leaving_agent_ends_its_job() -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    kept = FakeWorker(agents)
    join(rooms, "alice")
    allowed = kept.accept()
    older = join(rooms, allowed)
    newer = join(rooms, allowed)
    assert not older.is_in_room()
    assert kept.terminated == [], "it came back on another connection"
    newer.room.remove(newer.participant, DisconnectReason.CLIENT_INITIATED, 3.0)
    assert kept.terminated == [kept.offered[0].id]
    [job] = agents.dispatches.list("demo")[0].state.jobs
    assert (job.state.status, job.state.error) == (agent.JS_FAILED, "agent worker left the room")


@pytest.mark.parametrize("leaves", [True, False])
def test_delete_dispatch(leaves: bool) -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    kept = FakeWorker(agents)
    join(rooms, "alice")
    member = join(rooms, kept.accept())
    [dispatch] = agents.dispatches.list("demo")
    deleted = agents.dispatches.delete("demo", dispatch.id, 5.0)
    assert deleted is not None
    assert deleted.id == dispatch.id
    assert deleted.state.deleted_at == int((EPOCH + 5) * 1e9)
    assert kept.terminated == [dispatch.state.jobs[0].id]
    if leaves:
        member.room.remove(member.participant, DisconnectReason.CLIENT_INITIATED, 6.0)
        again = join(rooms, grants("agent"))
        agents.tick(5.0 + LEAVE_TIMEOUT)
        assert again.is_in_room(), "who has its name now is another one"
        return
    agents.tick(5.0 + LEAVE_TIMEOUT - 0.1)
    assert member.is_in_room()
    agents.tick(5.0 + LEAVE_TIMEOUT)
    assert not member.is_in_room()
    assert member.signal("leave").leave.reason == DisconnectReason.PARTICIPANT_REMOVED
    assert agents.dispatches.delete("demo", dispatch.id, 9.0) is None


def test_dispatch_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    kept = FakeWorker(agents, job_type=agent.JT_PARTICIPANT)
    room = join(rooms, "alice").room
    for _ in range(limits.MAX_DISPATCH_JOBS + 1):
        join(rooms, "bob")
        kept.reject(terminate=True)
    [dispatch] = agents.dispatches.list("demo")
    assert len(dispatch.state.jobs) == limits.MAX_DISPATCH_JOBS
    monkeypatch.setattr(limits, "MAX_DISPATCHES", 1)
    with pytest.raises(TooManyDispatchesError):
        agents.dispatches.create(room, HELPER, 0.0)


def test_agents_may_join_a_full_room() -> None:
    rooms = RoomManager(settings=RoomSettings(max_participants=1))
    kept = FakeWorker(make_handler(rooms))
    alice = join(rooms, "alice")
    join(rooms, kept.accept())
    with pytest.raises(RoomFullError):
        join(rooms, "bob")
    assert len(alice.room.participants) == 2
