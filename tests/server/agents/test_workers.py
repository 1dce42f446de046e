"""Registration of workers, and load balancing."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.protocol import agent
from livekit.server import limits
from livekit.server.agents.agent_handler import TooManyWorkersError
from livekit.server.agents.workers import Worker, WorkerKey, WorkerPool
from tests.server.agents.fake_worker import FakeWorker, make_handler
from tests.server.recording_link import EPOCH, make_rooms


class NoLink:
    def send(self, message: agent.ServerMessage) -> None:
        raise AssertionError

    def close(self) -> None:
        raise AssertionError


KEY = WorkerKey("", "", agent.JT_ROOM, "")


def worker(name: str, load: float = 0.0, *, agent_name: str = "", namespace: str = "", deployment: str = "") -> Worker:
    request = agent.RegisterWorkerRequest(agent_name=agent_name, namespace=namespace, deployment=deployment)
    made = Worker(name, NoLink(), "key", request)
    made.load = load
    return made


def pool_of(*workers: Worker, at: float = 0.5) -> WorkerPool:
    pool = WorkerPool(lambda: at)
    for one in workers:
        pool.add(one)
    return pool


def test_choice_is_weighted_by_free_capacity() -> None:
    chosen: Counter[str] = Counter()
    for step in range(100):
        found = pool_of(worker("busy", 0.9), worker("idle", 0.1), at=(step + 0.5) / 100).select(KEY, ())
        assert found is not None
        chosen[found.id] += 1
    assert chosen == {"busy": 10, "idle": 90}


def test_full_and_tried_workers_are_not_chosen() -> None:
    full, tried, good = worker("full", 1.0), worker("tried"), worker("good", 0.5)
    pool = pool_of(full, tried, good)
    assert pool.select(KEY, {"tried"}) is good
    good.is_available = False
    assert pool.select(KEY, {"tried"}) is None


def test_key_must_match() -> None:
    pool = pool_of(worker("a", agent_name="other"), worker("b", namespace="other"), worker("c", deployment="other"))
    assert pool.select(KEY, ()) is None
    assert pool.keys("", agent.JT_ROOM, "") == [WorkerKey("", "other", agent.JT_ROOM, "")]
    assert pool.keys("", agent.JT_PUBLISHER, "") == []


@given(st.lists(st.floats(allow_nan=True), max_size=5), st.floats(0, 1))
def test_any_load_is_accepted(loads: list[float], at: float) -> None:
    workers = [worker(str(number), load) for number, load in enumerate(loads)]
    found = pool_of(*workers, at=at).select(KEY, ())
    assert found is None or found.load < 1


@pytest.mark.parametrize("load", [-math.inf, -1e38])
def test_invalid_load_weighs_at_most_like_an_idle_worker(load: float) -> None:
    for at, name in ((0.25, "liar"), (0.75, "good")):
        found = pool_of(worker("liar", load), worker("good"), at=at).select(KEY, ())
        assert found is not None
        assert found.id == name


def test_register() -> None:
    agents = make_handler(make_rooms())
    kept = FakeWorker(agents, "helper")
    response = kept.received[0].register
    assert response.worker_id == kept.worker.id
    assert response.worker_id.startswith("AW_")
    assert response.server_info.agent_protocol == 1
    kept.leave()
    assert len(agents.workers) == 0


def test_unknown_job_type() -> None:
    with pytest.raises(ValueError, match="unknown job type 9"):
        make_handler(make_rooms()).register(NoLink(), "key", agent.RegisterWorkerRequest.FromString(b"\x08\x09"), 0.0)


def test_long_names_are_rejected() -> None:
    request = agent.RegisterWorkerRequest(agent_name="n" * (limits.MAX_NAME + 1))
    with pytest.raises(ValueError, match="256 bytes"):
        make_handler(make_rooms()).register(NoLink(), "key", request, 0.0)


def test_worker_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_WORKERS", 1)
    agents = make_handler(make_rooms())
    FakeWorker(agents)
    with pytest.raises(TooManyWorkersError):
        FakeWorker(agents)


def test_pings_are_answered_and_unknown_messages_ignored() -> None:
    kept = FakeWorker(make_handler(make_rooms()))
    kept.say(agent.WorkerMessage(ping=agent.WorkerPing(timestamp=5)), 1.0)
    assert (kept.received[-1].pong.last_timestamp, kept.received[-1].pong.timestamp) == (5, int(EPOCH + 1) * 1000)
    kept.say(agent.WorkerMessage())
    kept.say(agent.WorkerMessage(migrate_job=agent.MigrateJobRequest(job_ids=["x"])))
    assert len(kept.received) == 2


def test_close_disconnects_workers() -> None:
    agents = make_handler(make_rooms())
    kept = FakeWorker(agents)
    agents.close()
    assert kept.is_closed
