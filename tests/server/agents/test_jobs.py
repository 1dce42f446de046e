"""Offers, assignments and states of jobs."""

from __future__ import annotations

import pytest

from livekit.protocol import agent, models
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.server import limits
from livekit.server.agents.jobs import AGENT_NAME_ATTRIBUTE, AVAILABILITY_TIMEOUT
from tests.server.agents.fake_worker import FakeWorker, make_handler
from tests.server.recording_link import EPOCH, join, make_rooms


def test_room_gets_an_agent() -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    kept = FakeWorker(agents)
    alice = join(rooms, "alice")
    [job] = kept.offered
    assert job.id.startswith("AJ_")
    assert (job.type, job.room.name, job.room.sid) == (agent.JT_ROOM, "demo", alice.room.sid)
    assert (job.state.worker_id, job.state.started_at) == (kept.worker.id, int(EPOCH * 1e9))
    assert agents.jobs.offered == 1

    allowed = kept.accept("agent-x", metadata="m")
    assert (allowed.identity, allowed.name, allowed.metadata, allowed.room) == ("agent-x", "A", "m", "demo")
    assert (allowed.kind, allowed.room_join, allowed.api_key) == ("AGENT", True, "key")
    assert allowed.attributes == {AGENT_NAME_ATTRIBUTE: ""}
    assert allowed.permission == models.ParticipantPermission(
        agent=True, can_subscribe=True, can_publish=True, can_publish_data=True, can_update_metadata=True
    )
    assert agents.jobs.offered == 0
    assert [running.id for running in agents.jobs.running] == [job.id]


def test_worker_restricts_permissions_of_its_agents() -> None:
    rooms = make_rooms()
    kept = FakeWorker(make_handler(rooms), permission=models.ParticipantPermission(hidden=True, can_subscribe=True))
    join(rooms, "alice")
    allowed = kept.accept()
    assert allowed.permission == models.ParticipantPermission(agent=True, hidden=True, can_subscribe=True)


def test_rejected_job_is_offered_to_another_worker() -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    workers = [FakeWorker(agents) for _ in range(3)]
    waiting = list(workers)
    join(rooms, "alice")
    for _ in workers:
        [asked] = [kept for kept in waiting if kept.offered]
        asked.reject()
        waiting.remove(asked)
    assert agents.jobs.offered == 0
    assert agents.jobs.running == []


@pytest.mark.parametrize("by", ["silence", "loss"])
def test_unanswered_job_is_offered_to_another_worker(by: str) -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    first, second = FakeWorker(agents), FakeWorker(agents)
    join(rooms, "alice")
    if not first.offered:
        first, second = second, first
    agents.tick(AVAILABILITY_TIMEOUT - 0.1)
    assert second.offered == []
    if by == "silence":
        agents.tick(AVAILABILITY_TIMEOUT)
    else:
        first.leave(1.0)
    assert [job.id for job in second.offered] == [first.offered[0].id]
    if by == "silence":
        first.say(
            agent.WorkerMessage(availability=agent.AvailabilityResponse(job_id=first.offered[0].id, available=True))
        )
        assert first.kinds == ["register", "availability"], "it is too late"
    second.accept()
    assert agents.jobs.running[0].state.worker_id == second.worker.id


def test_worker_may_terminate_an_offered_job() -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    kept = FakeWorker(agents)
    join(rooms, "alice")
    kept.reject(terminate=True)
    [dispatch] = agents.dispatches.list("demo")
    assert [job.state.status for job in dispatch.state.jobs] == [agent.JS_SUCCESS]
    assert agents.jobs.running == []


def test_job_states_are_updated() -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    kept = FakeWorker(agents)
    join(rooms, "alice")
    kept.accept()
    kept.send_status(agent.JS_RUNNING, now=1.0)
    assert agents.dispatches.list("demo")[0].state.jobs[0].state.updated_at == int((EPOCH + 1) * 1e9)
    kept.send_status(agent.JS_FAILED, "it broke", now=2.0)
    [job] = agents.dispatches.list("demo")[0].state.jobs
    assert (job.state.status, job.state.error) == (agent.JS_FAILED, "it broke")
    assert job.state.ended_at == int((EPOCH + 2) * 1e9)
    kept.send_status(agent.JS_SUCCESS, now=3.0)
    assert agents.dispatches.list("demo")[0].state.jobs[0] == job, "the end is the end"


def test_reconnected_worker_may_update_its_jobs() -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    first, other = FakeWorker(agents), FakeWorker(agents, "other")
    join(rooms, "alice")
    first.accept()
    update = agent.WorkerMessage(update_job=agent.UpdateJobStatus(job_id=first.offered[0].id, status=agent.JS_SUCCESS))
    other.say(update)
    assert len(agents.jobs.running) == 1, "it is not the other's"
    first.leave()
    again = FakeWorker(agents)
    again.say(update)
    assert agents.jobs.running == []


def test_full_worker_gets_no_jobs() -> None:
    rooms = make_rooms()
    agents = make_handler(rooms)
    kept = FakeWorker(agents)
    kept.update(status=agent.WS_FULL)
    join(rooms, "alice")
    assert kept.offered == []
    kept.update(load=0.5)
    agents.dispatches.create(rooms.rooms[0], RoomAgentDispatch(), 0.0)
    assert len(kept.offered) == 1


def test_worker_may_simulate_a_job() -> None:
    agents = make_handler(make_rooms())
    kept = FakeWorker(agents, "helper")
    kept.say(agent.WorkerMessage(simulate_job=agent.SimulateJobRequest(room=models.Room(name="there"))))
    assert (kept.offered[0].type, kept.offered[0].agent_name) == (agent.JT_ROOM, "helper")
    assert kept.accept().room == "there"
    participant = models.ParticipantInfo(identity="alice")
    kept.say(
        agent.WorkerMessage(
            simulate_job=agent.SimulateJobRequest(room=models.Room(name="there"), participant=participant)
        )
    )
    assert kept.offered[1].type == agent.JT_PUBLISHER
    assert kept.offered[1].participant.identity == "alice"


def test_simulated_job_ends_with_its_worker() -> None:
    agents = make_handler(make_rooms())
    kept = FakeWorker(agents)
    kept.say(agent.WorkerMessage(simulate_job=agent.SimulateJobRequest(room=models.Room(name="there"))))
    kept.accept()
    kept.leave()
    assert agents.jobs.running == []


def test_job_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_JOBS", 1)
    rooms = make_rooms()
    agents = make_handler(rooms)
    kept = FakeWorker(agents)
    room = join(rooms, "alice").room
    agents.dispatches.create(room, RoomAgentDispatch(), 0.0)
    assert len(kept.offered) == 1
    kept.reject()
    agents.dispatches.create(room, RoomAgentDispatch(), 0.0)
    assert len(kept.offered) == 2
