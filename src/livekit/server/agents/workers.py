"""The workers that wait for jobs, and who of them gets the next one. No I/O, no clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from typing import Final, NamedTuple, Protocol

from livekit.protocol import agent, models

_DEFAULT_PERMISSION = models.ParticipantPermission(
    can_subscribe=True, can_publish=True, can_publish_data=True, can_update_metadata=True
)


class WorkerLink(Protocol):
    """The way to one worker. Neither method blocks, raises, or calls back before it returns."""

    def send(self, message: agent.ServerMessage) -> None:
        """Send a message; lost if the connection is."""
        ...

    def close(self) -> None:
        """End the connection after what was sent."""
        ...


class WorkerKey(NamedTuple):
    """What a job and its worker must have in common."""

    agent_name: str
    namespace: str
    type: agent.JobType
    deployment: str


class Worker:
    """A registered worker: what it said about itself, and how busy it is."""

    def __init__(self, worker_id: str, link: WorkerLink, api_key: str, request: agent.RegisterWorkerRequest) -> None:
        self.id: Final = worker_id
        self.link: Final = link
        self.api_key: Final = api_key
        """The key of its own token, which signs the tokens of its jobs."""
        self.key: Final = WorkerKey(request.agent_name, request.namespace, request.type, request.deployment)
        self.version: Final = request.version
        self.permission: Final = (
            request.allowed_permissions if request.HasField("allowed_permissions") else _DEFAULT_PERMISSION
        )
        """What its agents may do in rooms."""
        self.is_available = True
        self.load = 0.0
        """From 0 to 1, as the worker counts."""

    def __repr__(self) -> str:
        return f"<Worker {self.id} {self.key.agent_name!r}>"


class WorkerPool:
    """The registered workers, by id."""

    def __init__(self, random_factor: Callable[[], float] = random.random) -> None:
        """`random_factor` is from 0 to 1, to choose with."""
        self._random_factor = random_factor
        self._workers: dict[str, Worker] = {}

    @property
    def workers(self) -> list[Worker]:
        return list(self._workers.values())

    def __contains__(self, worker_id: object) -> bool:
        return worker_id in self._workers

    def __len__(self) -> int:
        return len(self._workers)

    def add(self, worker: Worker) -> None:
        self._workers[worker.id] = worker

    def discard(self, worker: Worker) -> None:
        self._workers.pop(worker.id, None)

    def keys(self, agent_name: str, job_type: agent.JobType, deployment: str) -> list[WorkerKey]:
        """The kinds of worker that a job goes to: one for each namespace, in the order of registering."""
        found = (worker.key for worker in self._workers.values())
        wanted = (agent_name, job_type, deployment)
        return list(dict.fromkeys(key for key in found if (key.agent_name, key.type, key.deployment) == wanted))

    def select(self, key: WorkerKey, tried: Collection[str]) -> Worker | None:
        """A worker with room for a job, the likelier the less it has to do; not one whose id is in `tried`."""
        room_of = {
            worker: min(1.0, max(0.0, 1.0 - worker.load))
            for worker in self._workers.values()
            if worker.key == key and worker.is_available and worker.id not in tried
        }
        point = self._random_factor() * sum(room_of.values())
        chosen: Worker | None = None  # the last one, should rounding leave a rest
        for worker, room in room_of.items():
            if room:
                chosen = worker
                point -= room
                if point <= 0:
                    break
        return chosen
