"""A worker without network, which records the server's messages."""

from __future__ import annotations

from livekit.protocol import agent, models
from livekit.server.agents import AgentHandler
from livekit.server.auth import TokenAuthority
from livekit.server.permissions import Grants
from livekit.server.room_manager import RoomManager

KEYS = {"key": "a-secret-that-is-long-enough-for-hs256"}


class FakeWorker:
    """Registers on creation."""

    def __init__(
        self,
        agents: AgentHandler,
        name: str = "",
        *,
        job_type: agent.JobType = agent.JT_ROOM,
        namespace: str = "",
        permission: models.ParticipantPermission | None = None,
        now: float = 0.0,
    ) -> None:
        self.received: list[agent.ServerMessage] = []
        self.is_closed = False
        self._agents = agents
        request = agent.RegisterWorkerRequest(
            type=job_type, agent_name=name, namespace=namespace, allowed_permissions=permission
        )
        self.worker = agents.register(self, "key", request, now)

    def send(self, message: agent.ServerMessage) -> None:
        assert not self.is_closed
        self.received.append(message)

    def close(self) -> None:
        self.is_closed = True

    def say(self, message: agent.WorkerMessage, now: float = 0.0) -> None:
        self._agents.receive(self.worker, message, now)

    def leave(self, now: float = 0.0) -> None:
        self.close()
        self._agents.worker_disconnected(self.worker, now)

    def update(self, *, load: float = 0.0, status: agent.WorkerStatus = agent.WS_AVAILABLE) -> None:
        self.say(agent.WorkerMessage(update_worker=agent.UpdateWorkerStatus(status=status, load=load)))

    @property
    def kinds(self) -> list[str]:
        """Kinds of the received messages, in order."""
        return [message.WhichOneof("message") or "" for message in self.received]

    @property
    def offered(self) -> list[agent.Job]:
        return [message.availability.job for message in self.received if message.HasField("availability")]

    @property
    def terminated(self) -> list[str]:
        return [message.termination.job_id for message in self.received if message.HasField("termination")]

    def accept(self, identity: str = "agent", now: float = 0.0, *, metadata: str = "") -> Grants:
        """Accept the last offered job and return the grants of its token."""
        answer = agent.AvailabilityResponse(
            job_id=self.offered[-1].id,
            available=True,
            participant_identity=identity,
            participant_name="A",
            participant_metadata=metadata,
        )
        self.say(agent.WorkerMessage(availability=answer), now)
        assignment = self.received[-1].assignment
        assert assignment.job.id == answer.job_id
        return TokenAuthority(KEYS).verify(assignment.token)

    def reject(self, now: float = 0.0, *, terminate: bool = False) -> None:
        answer = agent.AvailabilityResponse(job_id=self.offered[-1].id, terminate=terminate)
        self.say(agent.WorkerMessage(availability=answer), now)

    def send_status(self, status: agent.JobStatus, error: str = "", now: float = 0.0) -> None:
        """Send the status of the last offered job."""
        update = agent.UpdateJobStatus(job_id=self.offered[-1].id, status=status, error=error)
        self.say(agent.WorkerMessage(update_job=update), now)


def make_handler(rooms: RoomManager) -> AgentHandler:
    agents = AgentHandler(rooms, TokenAuthority(KEYS).join_token, random_factor=lambda: 0.5)
    rooms.observe(lambda event: agents.observe(event, 0.0))
    return agents
