"""Messages from workers: nothing but DecodeError is raised, and jobs stay within limits.

An input is a byte that selects the worker, and its message. The job ID `LAST` means the last job that it was offered.
Run as `python -m fuzz.fuzz_workers [COUNT] [SEED]`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from google.protobuf.message import DecodeError

from fuzz.mutate import Fuzzer
from fuzz.server_rooms import IDENTITIES, ROOM, SilentLink, join_all
from livekit.protocol import agent, models
from livekit.server import limits
from livekit.server.agents import AgentHandler
from livekit.server.agents.agent_handler import TooManyWorkersError
from livekit.server.agents.workers import Worker
from livekit.server.auth import AuthError, TokenAuthority, check_join
from livekit.server.devserver import DEV_KEYS
from livekit.server.events import RoomEvent
from livekit.server.room import JoinParameters
from livekit.server.room_manager import JoinRefusedError

ALLOWED = (DecodeError,)
RENEW_INTERVAL = 200
"""Inputs after which all state is renewed."""
WORKERS = 3
LAST = "last"
_KEY = next(iter(DEV_KEYS))
_JOIN = JoinParameters(client=models.ClientInfo(protocol=17))


class RecordingLink:
    """Serialises all messages to the worker, and records the last job and the tokens."""

    def __init__(self) -> None:
        self.job_id = ""
        self.tokens: list[str] = []

    def send(self, message: agent.ServerMessage) -> None:
        message.SerializeToString()
        self.job_id = message.availability.job.id or self.job_id
        if message.HasField("assignment"):
            self.tokens.append(message.assignment.token)

    def close(self) -> None:
        return None


class Server:
    """Rooms, workers, and the agents that join for assigned jobs."""

    def __init__(self) -> None:
        self._authority = TokenAuthority(DEV_KEYS)
        self._inputs = 0
        self._renew()

    def _renew(self) -> None:
        self._rooms, _, _ = join_all()
        self._agents = AgentHandler(self._rooms, self._authority.join_token, random_factor=lambda: 0.5)
        self._rooms.observe(self._observe)
        self._workers: list[Worker | None] = [None] * WORKERS
        self._links = [RecordingLink() for _ in range(WORKERS)]
        for number in range(WORKERS - 1):
            self._register(number, agent.RegisterWorkerRequest(type=agent.JT_ROOM))

    def _observe(self, event: RoomEvent) -> None:
        self._agents.observe(event, self._now)

    @property
    def _now(self) -> float:
        return float(self._inputs % RENEW_INTERVAL)

    def target(self, data: bytes) -> None:
        message = agent.WorkerMessage.FromString(data[1:])
        self._inputs += 1
        if self._inputs % RENEW_INTERVAL == 0:
            self._renew()
        number = data[0] % WORKERS if data else 0
        self._say(number, message)
        self._agents.tick(self._now)
        self._rooms.tick(self._now)
        for link in self._links:
            self._join(link)
        self._check()

    def _say(self, number: int, message: agent.WorkerMessage) -> None:
        """Handle a message like the WebSocket route does; a second registration means a new connection."""
        worker = self._workers[number]
        for answer in (message.availability, message.update_job):
            if answer.job_id == LAST:
                answer.job_id = self._links[number].job_id
        if message.HasField("register"):
            if worker is not None:
                self._agents.worker_disconnected(worker, self._now)
            self._register(number, message.register)
        elif worker is not None:
            self._agents.receive(worker, message, self._now)

    def _register(self, number: int, request: agent.RegisterWorkerRequest) -> None:
        try:
            self._workers[number] = self._agents.register(self._links[number], _KEY, request, self._now)
        except (ValueError, TooManyWorkersError):  # the route would close the connection
            self._workers[number] = None

    def _join(self, link: RecordingLink) -> None:
        """Join the agents of assigned jobs."""
        tokens, link.tokens = link.tokens, []
        for token in tokens:
            with contextlib.suppress(AuthError, JoinRefusedError):
                grants = self._authority.verify(token)
                check_join(grants)
                room, participant = self._rooms.join(grants, _JOIN, SilentLink(), self._now)
                room.activate(participant, self._now)

    def _check(self) -> None:
        if len(self._agents.jobs.running) > limits.MAX_JOBS or len(self._agents.workers) > WORKERS:
            raise AssertionError("there are more jobs or workers than there may be")
        for worker in self._agents.workers.workers:
            self._check_chosen(worker)

    def _check_chosen(self, worker: Worker) -> None:
        """Check that a worker with free capacity can be selected, whatever load the others report."""
        pool = self._agents.workers
        if worker.is_available and worker.load < 1 and pool.select(worker.key, ()) is None:
            raise AssertionError(f"nobody is chosen, though {worker} has load {worker.load}")


def _seeds() -> Iterator[agent.WorkerMessage]:
    for job_type in (agent.JT_ROOM, agent.JT_PUBLISHER, agent.JT_PARTICIPANT):
        register = agent.RegisterWorkerRequest(type=job_type, agent_name="", version="1", namespace="")
        register.allowed_permissions.can_publish_data = True
        yield agent.WorkerMessage(register=register)
    accepted = agent.AvailabilityResponse(job_id=LAST, available=True, participant_identity=IDENTITIES[-1])
    accepted.participant_attributes["k"] = "v"
    yield agent.WorkerMessage(availability=accepted)
    yield agent.WorkerMessage(availability=agent.AvailabilityResponse(job_id=LAST, available=True))
    yield agent.WorkerMessage(availability=agent.AvailabilityResponse(job_id=LAST))
    yield agent.WorkerMessage(availability=agent.AvailabilityResponse(job_id=LAST, terminate=True))
    for status in (agent.JS_RUNNING, agent.JS_SUCCESS, agent.JS_FAILED):
        yield agent.WorkerMessage(update_job=agent.UpdateJobStatus(job_id=LAST, status=status, error="e"))
    yield agent.WorkerMessage(update_worker=agent.UpdateWorkerStatus(status=agent.WS_AVAILABLE, load=0.5))
    yield agent.WorkerMessage(update_worker=agent.UpdateWorkerStatus(status=agent.WS_FULL, load=1.0))
    yield agent.WorkerMessage(ping=agent.WorkerPing(timestamp=5))
    room = models.Room(name=ROOM, sid="RM_1")
    yield agent.WorkerMessage(simulate_job=agent.SimulateJobRequest(room=room))
    participant = models.ParticipantInfo(identity=IDENTITIES[0])
    yield agent.WorkerMessage(simulate_job=agent.SimulateJobRequest(room=room, participant=participant))


SEEDS = [bytes((number,)) + message.SerializeToString() for message in _seeds() for number in range(WORKERS)]
FUZZER = Fuzzer("workers", SEEDS, ALLOWED, lambda: contextlib.nullcontext(Server().target))

if __name__ == "__main__":
    FUZZER.main()
