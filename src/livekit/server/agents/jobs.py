"""Jobs of workers: offered (availability request), assigned, ended. No I/O, no clock."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from livekit._util.logs import fields
from livekit.protocol import agent, models
from livekit.server import limits

from .workers import Worker, WorkerKey, WorkerPool

logger = logging.getLogger(__name__)

AVAILABILITY_TIMEOUT = 10.0
"""Seconds until a worker must have responded to an availability request."""

TOKEN_LIFETIME = 3600.0
"""Seconds that the tokens of agents are valid."""

AGENT_NAME_ATTRIBUTE = "lk.agent_name"
"""Participant attribute with the name of the agent."""

_ENDED = frozenset({agent.JS_SUCCESS, agent.JS_FAILED})


class MintJoinToken(Protocol):
    """Signs a token for joining a room; see :meth:`.auth.TokenAuthority.join_token`."""

    def __call__(
        self,
        api_key: str,
        identity: str,
        room: str,
        *,
        claims: dict[str, object],
        grants: dict[str, object],
        lifetime: float,
    ) -> str: ...


OnAssigned = Callable[[agent.Job], None]
"""Called with a job once a worker has accepted it. The job's state is updated in place."""


@dataclass(slots=True)
class _Offer:
    job: agent.Job
    worker: Worker
    on_assigned: OnAssigned
    deadline: float
    tried: set[str] = field(default_factory=set[str])


@dataclass(slots=True)
class _Running:
    job: agent.Job
    worker: Worker


class JobManager:
    """Assigns each job to a worker and tracks it until it ends."""

    def __init__(self, pool: WorkerPool, mint: MintJoinToken, wall_time: Callable[[float], float]) -> None:
        """`wall_time` is the Unix time at `now`."""
        self._pool = pool
        self._mint = mint
        self._wall_time = wall_time
        self._offers: dict[str, _Offer] = {}
        self._running: dict[str, _Running] = {}

    @property
    def offered(self) -> int:
        """Number of jobs offered to workers that have not responded yet."""
        return len(self._offers)

    @property
    def running(self) -> list[agent.Job]:
        return [running.job for running in self._running.values()]

    def offer(self, job: agent.Job, now: float, on_assigned: OnAssigned) -> None:
        """Offer a job to the available workers, one after the other; log and drop it if none accepts."""
        self._offer_next(job, now, on_assigned, set())

    def offer_to_worker(self, worker: Worker, job: agent.Job, now: float) -> None:
        """Offer a job to one worker only."""
        self._send_offer(_Offer(job, worker, lambda _: None, now + AVAILABILITY_TIMEOUT, {worker.id}), now)

    def handle_availability(self, worker: Worker, answer: agent.AvailabilityResponse, now: float) -> None:
        """Handle a worker's response to an offer."""
        offer = self._offers.get(answer.job_id)
        if offer is None or offer.worker is not worker:
            logger.debug("%r responded to an offer of job %r that it did not receive", worker, answer.job_id)
            return
        del self._offers[answer.job_id]
        if answer.terminate:
            self._end(offer.job, agent.JS_SUCCESS, "", now)
            offer.on_assigned(offer.job)
        elif answer.available:
            self._assign(offer, answer)
        else:
            self._offer_next(offer.job, now, offer.on_assigned, offer.tried)

    def handle_update(self, worker: Worker, update: agent.UpdateJobStatus, now: float) -> None:
        """Handle a job status. A worker that has reconnected may update the jobs that it had before."""
        running = self._running.get(update.job_id)
        if running is None or (running.worker is not worker and running.worker.id in self._pool):
            logger.debug("%r sent a status of job %r, which it does not run", worker, update.job_id)
            return
        running.worker = worker
        if update.status in _ENDED:
            del self._running[update.job_id]
            self._end(running.job, update.status, update.error, now)
            logger.info("job %s ended: %s", update.job_id, agent.JobStatus.Name(update.status))
        else:
            running.job.state.status = update.status
            running.job.state.error = update.error
            running.job.state.updated_at = self._nanoseconds(now)

    def worker_disconnected(self, worker: Worker, now: float) -> None:
        """Offer the worker's open offers to other workers. Its running jobs are kept if a dispatch owns them."""
        for running in [running for running in self._running.values() if _is_orphan(running, worker)]:
            del self._running[running.job.id]
        for offer in [offer for offer in self._offers.values() if offer.worker is worker]:
            del self._offers[offer.job.id]
            self._offer_next(offer.job, now, offer.on_assigned, offer.tried)

    def end_dispatch(self, dispatch_id: str, now: float) -> None:
        """Withdraw the offers of a dispatch and terminate its running jobs."""
        for offer in [offer for offer in self._offers.values() if offer.job.dispatch_id == dispatch_id]:
            del self._offers[offer.job.id]
        for job in self.running:
            if job.dispatch_id == dispatch_id:
                self.terminate(job.id, now)

    def terminate(self, job_id: str, now: float, *, error: str = "") -> None:
        """Send a termination; the job ends immediately, as failed if there is an `error`."""
        running = self._running.pop(job_id, None)
        if running is not None:
            termination = agent.JobTermination(job_id=job_id)
            running.worker.link.send(agent.ServerMessage(termination=termination))
            self._end(running.job, agent.JS_FAILED if error else agent.JS_SUCCESS, error, now)

    def running_as(self, room: str, identity: str) -> agent.Job | None:
        """Return the job whose agent has this identity in this room."""
        for running in self._running.values():
            if running.job.room.name == room and running.job.state.participant_identity == identity:
                return running.job
        return None

    def tick(self, now: float) -> None:
        """Expire unanswered offers; call it about once per second."""
        for offer in [offer for offer in self._offers.values() if now >= offer.deadline]:
            logger.warning("%r did not respond to the offer of job %s", offer.worker, offer.job.id)
            del self._offers[offer.job.id]
            self._offer_next(offer.job, now, offer.on_assigned, offer.tried)

    def _offer_next(self, job: agent.Job, now: float, on_assigned: OnAssigned, tried: set[str]) -> None:
        key = WorkerKey(job.agent_name, job.namespace, job.type, job.deployment)
        worker = self._pool.select(key, tried)
        if worker is None:
            about = fields(room=job.room.name)
            logger.warning("no worker accepted job %s of agent %r", job.id, job.agent_name, extra=about)
            return
        self._send_offer(_Offer(job, worker, on_assigned, now + AVAILABILITY_TIMEOUT, {*tried, worker.id}), now)

    def _send_offer(self, offer: _Offer, now: float) -> None:
        if len(self._offers) + len(self._running) >= limits.MAX_JOBS:
            logger.warning("job %s is dropped: the limit of %d jobs is reached", offer.job.id, limits.MAX_JOBS)
            return
        at = self._nanoseconds(now)
        offer.job.state.CopyFrom(
            agent.JobState(status=agent.JS_RUNNING, worker_id=offer.worker.id, started_at=at, updated_at=at)
        )
        self._offers[offer.job.id] = offer
        offer.worker.link.send(agent.ServerMessage(availability=agent.AvailabilityRequest(job=offer.job)))

    def _assign(self, offer: _Offer, answer: agent.AvailabilityResponse) -> None:
        job, worker = offer.job, offer.worker
        identity = answer.participant_identity or f"agent-{job.id}"
        job.state.participant_identity = identity
        claims: dict[str, object] = {
            "name": answer.participant_name,
            "metadata": answer.participant_metadata,
            "attributes": {**answer.participant_attributes, AGENT_NAME_ATTRIBUTE: worker.key.agent_name},
            "kind": "agent",
        }
        token = self._mint(
            worker.api_key,
            identity,
            job.room.name,
            claims=claims,
            grants=_grants(worker.permission),
            lifetime=TOKEN_LIFETIME,
        )
        self._running[job.id] = _Running(job, worker)
        worker.link.send(agent.ServerMessage(assignment=agent.JobAssignment(job=job, token=token)))
        about = fields(room=job.room.name, participant=identity)
        logger.info("%r accepted job %s as %r", worker, job.id, identity, extra=about)
        offer.on_assigned(job)

    def _end(self, job: agent.Job, status: agent.JobStatus, error: str, now: float) -> None:
        at = self._nanoseconds(now)
        job.state.status, job.state.error = status, error
        job.state.updated_at = job.state.ended_at = at

    def _nanoseconds(self, now: float) -> int:
        return int(self._wall_time(now) * 1e9)


def _is_orphan(running: _Running, worker: Worker) -> bool:
    """Return True for a job of this worker that no dispatch owns."""
    return running.worker is worker and not running.job.dispatch_id


def _grants(permission: models.ParticipantPermission) -> dict[str, object]:
    return {
        "agent": True,
        "can_subscribe": permission.can_subscribe,
        "can_publish": permission.can_publish,
        "can_publish_data": permission.can_publish_data,
        "hidden": permission.hidden,
        "can_update_own_metadata": permission.can_update_metadata,
        "can_subscribe_metrics": permission.can_subscribe_metrics,
    }
