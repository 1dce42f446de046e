"""Registered workers, and load balancing among them. No I/O, no clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from typing import Final, NamedTuple, Protocol

from livekit.protocol import agent, models

_DEFAULT_PERMISSION = models.ParticipantPermission(
    can_subscribe=True, can_publish=True, can_publish_data=True, can_update_metadata=True
)


class WorkerLink(Protocol):
    """Connection to a worker. The methods neither block, nor raise, nor call back before they return."""

    def send(self, message: agent.ServerMessage) -> None:
        """Send a message; dropped if the connection is closed."""
        ...

    def close(self) -> None:
        """Close the connection once all messages are sent."""
        ...


class WorkerKey(NamedTuple):
    """Properties in which a job and its worker must match."""

    agent_name: str
    namespace: str
    type: agent.JobType
    deployment: str


class Worker:
    """A registered worker, with its registration and its load."""

    def __init__(self, worker_id: str, link: WorkerLink, api_key: str, request: agent.RegisterWorkerRequest) -> None:
        self.id: Final = worker_id
        self.link: Final = link
        self.api_key: Final = api_key
        """API key of the worker's token; it also signs the tokens of its jobs."""
        self.key: Final = WorkerKey(request.agent_name, request.namespace, request.type, request.deployment)
        self.version: Final = request.version
        self.permission: Final = (
            request.allowed_permissions if request.HasField("allowed_permissions") else _DEFAULT_PERMISSION
        )
        """Permissions of its agents in rooms."""
        self.is_available = True
        self.load = 0.0
        """Load reported by the worker, from 0 to 1."""

    def __repr__(self) -> str:
        return f"<Worker {self.id} {self.key.agent_name!r}>"


class WorkerPool:
    """The registered workers, by ID."""

    def __init__(self, random_factor: Callable[[], float] = random.random) -> None:
        """Create an empty pool; `random_factor` returns numbers from 0 to 1 for the weighted random choice."""
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
        """Return the matching worker keys, one per namespace, in order of registration."""
        found = (worker.key for worker in self._workers.values())
        wanted = (agent_name, job_type, deployment)
        return list(dict.fromkeys(key for key in found if (key.agent_name, key.type, key.deployment) == wanted))

    def select(self, key: WorkerKey, tried: Collection[str]) -> Worker | None:
        """Choose an available worker at random, weighted by free capacity, except those whose IDs are in `tried`."""
        capacities = {
            worker: min(1.0, max(0.0, 1.0 - worker.load))
            for worker in self._workers.values()
            if worker.key == key and worker.is_available and worker.id not in tried
        }
        point = self._random_factor() * sum(capacities.values())
        chosen: Worker | None = None  # the last one if rounding leaves a remainder
        for worker, capacity in capacities.items():
            if capacity:
                chosen = worker
                point -= capacity
                if point <= 0:
                    break
        return chosen
