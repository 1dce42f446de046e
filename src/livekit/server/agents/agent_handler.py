"""The agent side of a server: workers, jobs and dispatches. No I/O, no clock."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from livekit.protocol import agent
from livekit.server import limits
from livekit.server.events import RoomEvent
from livekit.server.responses import server_info

from .dispatches import DispatchManager
from .jobs import JobManager, MintJoinToken
from .workers import Worker, WorkerLink, WorkerPool

if TYPE_CHECKING:
    from livekit.server.room_manager import RoomManager

logger = logging.getLogger(__name__)

AGENT_PROTOCOL = 1
"""Version of the protocol between workers and servers."""


class TooManyWorkersError(Exception):
    """`limits.MAX_WORKERS` workers are already registered."""


class AgentHandler:
    """Handles messages of workers; replies are sent through the workers' links."""

    def __init__(
        self, rooms: RoomManager, mint: MintJoinToken, *, random_factor: Callable[[], float] = random.random
    ) -> None:
        self.workers: Final = WorkerPool(random_factor)
        self.jobs: Final = JobManager(self.workers, mint, rooms.wall_time)
        self.dispatches: Final = DispatchManager(rooms, self.workers, self.jobs, rooms.new_sid)
        self._rooms = rooms
        self._handlers: dict[str, Callable[[Worker, agent.WorkerMessage, float], None]] = {
            "availability": lambda worker, message, now: self.jobs.handle_availability(
                worker, message.availability, now
            ),
            "update_job": lambda worker, message, now: self.jobs.handle_update(worker, message.update_job, now),
            "update_worker": _update_worker,
            "ping": lambda worker, message, now: worker.link.send(self.pong(message.ping, now)),
            "simulate_job": self._simulate,
        }

    def register(self, link: WorkerLink, api_key: str, request: agent.RegisterWorkerRequest, now: float) -> Worker:
        """Register a worker.

        Raises:
            ValueError: the job type is unknown, or a name is too long.
            TooManyWorkersError: the limit of workers is reached.
        """
        if request.type not in agent.JobType.values():
            raise ValueError(f"unknown job type {request.type}")
        names = (request.agent_name, request.namespace, request.deployment, request.version)
        if any(len(name.encode()) > limits.MAX_NAME for name in names):
            raise ValueError(f"a worker's names are limited to {limits.MAX_NAME} bytes")
        if len(self.workers) >= limits.MAX_WORKERS:
            raise TooManyWorkersError(f"{limits.MAX_WORKERS} workers are registered")
        worker = Worker(self._rooms.new_sid("AW_"), link, api_key, request)
        self.workers.add(worker)
        info = server_info()
        info.agent_protocol = AGENT_PROTOCOL
        link.send(agent.ServerMessage(register=agent.RegisterWorkerResponse(worker_id=worker.id, server_info=info)))
        logger.info("registered %r for %s", worker, agent.JobType.Name(worker.key.type))
        return worker

    def receive(self, worker: Worker, message: agent.WorkerMessage, now: float) -> None:
        """Handle a message of a registered worker; unknown messages are ignored."""
        handler = self._handlers.get(message.WhichOneof("message") or "")
        if handler is not None:
            handler(worker, message, now)

    def worker_disconnected(self, worker: Worker, now: float) -> None:
        """Deregister a worker whose connection ended."""
        self.workers.discard(worker)
        self.jobs.worker_disconnected(worker, now)
        logger.info("%r disconnected", worker)

    def observe(self, event: RoomEvent, now: float) -> None:
        """Handle a room event."""
        self.dispatches.observe(event, now)

    def tick(self, now: float) -> None:
        """Expire timeouts; call it about once per second."""
        self.jobs.tick(now)
        self.dispatches.tick(now)

    def close(self) -> None:
        """Close the connections of all workers."""
        for worker in self.workers.workers:
            worker.link.close()

    def pong(self, ping: agent.WorkerPing, now: float) -> agent.ServerMessage:
        """Return the reply to a ping."""
        milliseconds = int(self._rooms.wall_time(now) * 1000)
        return agent.ServerMessage(pong=agent.WorkerPong(last_timestamp=ping.timestamp, timestamp=milliseconds))

    def _simulate(self, worker: Worker, message: agent.WorkerMessage, now: float) -> None:
        simulated = message.simulate_job
        has_participant = simulated.HasField("participant")
        job = agent.Job(
            id=self._rooms.new_sid("AJ_"),
            type=agent.JT_PUBLISHER if has_participant else agent.JT_ROOM,
            room=simulated.room,
            participant=simulated.participant if has_participant else None,
            namespace=worker.key.namespace,
            agent_name=worker.key.agent_name,
        )
        self.jobs.offer_to_worker(worker, job, now)


def _update_worker(worker: Worker, message: agent.WorkerMessage, now: float) -> None:
    update = message.update_worker
    if update.HasField("status"):
        worker.is_available = update.status == agent.WS_AVAILABLE
    worker.load = update.load
