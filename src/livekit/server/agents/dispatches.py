"""Dispatches: the agents that a room requests, by default all unnamed ones. No I/O, no clock."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from livekit._util.logs import fields
from livekit.protocol import agent, models
from livekit.protocol.agent_dispatch import (
    AgentDispatch,
    AgentDispatchState,
    CreateAgentDispatchRequest,
    RoomAgentDispatch,
)
from livekit.server import limits
from livekit.server.events import (
    ParticipantJoined,
    ParticipantLeft,
    RoomEvent,
    RoomFinished,
    RoomStarted,
    TrackPublished,
)
from livekit.server.responses import DisconnectReason

from .jobs import JobManager
from .workers import WorkerPool

if TYPE_CHECKING:
    from livekit.server.room import Room
    from livekit.server.room_manager import RoomManager

logger = logging.getLogger(__name__)

LEAVE_TIMEOUT = 3.0
"""Seconds until an agent whose dispatch was deleted is removed from the room."""

DispatchRequest = RoomAgentDispatch | CreateAgentDispatchRequest

_LEFT_ERROR = "agent worker left the room"
_ANY_AGENT: Sequence[RoomAgentDispatch] = (RoomAgentDispatch(),)


class TooManyDispatchesError(Exception):
    """The room already has `limits.MAX_DISPATCHES` dispatches."""


@dataclass(slots=True)
class _Dispatch:
    message: AgentDispatch
    jobs: deque[agent.Job] = field(default_factory=lambda: deque(maxlen=limits.MAX_DISPATCH_JOBS))
    """Assigned jobs; their state is updated in place."""

    def snapshot(self) -> AgentDispatch:
        copy = AgentDispatch()
        copy.CopyFrom(self.message)
        copy.state.jobs.extend(self.jobs)
        return copy


@dataclass(frozen=True, slots=True)
class _PendingRemoval:
    room: str
    identity: str
    sid: str
    deadline: float


class DispatchManager:
    """Creates and deletes the dispatches of all rooms, and launches their jobs."""

    def __init__(self, rooms: RoomManager, pool: WorkerPool, jobs: JobManager, new_sid: Callable[[str], str]) -> None:
        self._rooms = rooms
        self._pool = pool
        self._jobs = jobs
        self._new_sid = new_sid
        self._by_room: dict[str, dict[str, _Dispatch]] = {}
        self._publishers: dict[str, set[str]] = {}
        """Identities that have published a media track, by room."""
        self._pending_removals: list[_PendingRemoval] = []

    def observe(self, event: RoomEvent, now: float) -> None:
        """Handle a room event."""
        if isinstance(event, RoomStarted):
            self._started(event.room, now)
        elif isinstance(event, ParticipantJoined):
            self._joined(event.room, event.participant, now)
        elif isinstance(event, ParticipantLeft):
            self._left(event.room, event.participant, now)
        elif isinstance(event, RoomFinished):
            self._finished(event, now)
        elif isinstance(event, TrackPublished):
            self._track_published(event, now)

    def create(self, room: Room, request: DispatchRequest, now: float) -> AgentDispatch:
        """Create a dispatch and launch its jobs for the room and its participants. Raises TooManyDispatchesError."""
        dispatch = self._add(room.name, request, now)
        self._launch(dispatch, agent.JT_ROOM, room.info(), None, now)
        for participant in list(room.participants.values()):
            if not participant.is_dependent:
                self._launch(dispatch, agent.JT_PARTICIPANT, room.info(), participant.info(), now)
        return dispatch.snapshot()

    def list(self, room_name: str, dispatch_id: str = "") -> list[AgentDispatch]:
        """Return the dispatches of a room, or the one with that ID."""
        dispatches = self._by_room.get(room_name, {}).values()
        return [dispatch.snapshot() for dispatch in dispatches if dispatch_id in ("", dispatch.message.id)]

    def delete(self, room_name: str, dispatch_id: str, now: float) -> AgentDispatch | None:
        """Terminate the jobs of a dispatch and return it; None if it does not exist.

        Agents that do not leave within `LEAVE_TIMEOUT` are removed.
        """
        dispatch = self._by_room.get(room_name, {}).pop(dispatch_id, None)
        if dispatch is None:
            return None
        self._jobs.end_dispatch(dispatch_id, now)
        room = self._rooms.get(room_name)
        for job in dispatch.jobs:
            participant = room.participants.get(job.state.participant_identity) if room else None
            if participant is not None:
                removal = _PendingRemoval(room_name, participant.identity, participant.sid, now + LEAVE_TIMEOUT)
                self._pending_removals.append(removal)
        dispatch.message.state.deleted_at = self._nanoseconds(now)
        return dispatch.snapshot()

    def tick(self, now: float) -> None:
        """Remove agents that did not leave in time; call it about once per second."""
        overdue = [removal for removal in self._pending_removals if now >= removal.deadline]
        self._pending_removals = [removal for removal in self._pending_removals if now < removal.deadline]
        for removal in overdue:
            room = self._rooms.get(removal.room)
            participant = room.participants.get(removal.identity) if room else None
            if room is not None and participant is not None and participant.sid == removal.sid:
                room.remove(participant, DisconnectReason.PARTICIPANT_REMOVED, now)

    def _started(self, info: models.Room, now: float) -> None:
        room = self._rooms.get(info.name)
        requested = room.settings.agents if room else None
        for request in (_ANY_AGENT if requested is None else requested)[: limits.MAX_DISPATCHES]:
            self._launch(self._add(info.name, request, now), agent.JT_ROOM, info, None, now)

    def _joined(self, info: models.Room, joined: models.ParticipantInfo, now: float) -> None:
        room = self._rooms.get(info.name)
        participant = room.participants.get(joined.identity) if room else None
        if participant is not None and not participant.is_dependent:
            for dispatch in list(self._by_room.get(info.name, {}).values()):
                self._launch(dispatch, agent.JT_PARTICIPANT, info, joined, now)

    def _track_published(self, event: TrackPublished, now: float) -> None:
        """Launch publisher jobs for a participant's first media track."""
        room = self._rooms.get(event.room.name)
        participant = room.participants.get(event.participant.identity) if room else None
        publishers = self._publishers.setdefault(event.room.name, set())
        if participant is None or participant.is_dependent or participant.identity in publishers:
            return
        publishers.add(participant.identity)
        for dispatch in list(self._by_room.get(event.room.name, {}).values()):
            self._launch(dispatch, agent.JT_PUBLISHER, event.room, event.participant, now)

    def _left(self, room: models.Room, participant: models.ParticipantInfo, now: float) -> None:
        job = self._jobs.running_as(room.name, participant.identity)
        # A connection replaced by a newer one of the same identity is still present.
        if job is not None and participant.disconnect_reason != DisconnectReason.DUPLICATE_IDENTITY:
            self._jobs.terminate(job.id, now, error=_LEFT_ERROR)

    def _finished(self, event: RoomFinished, now: float) -> None:
        self._publishers.pop(event.room.name, None)
        for dispatch_id in self._by_room.pop(event.room.name, {}):
            self._jobs.end_dispatch(dispatch_id, now)

    def _add(self, room_name: str, request: DispatchRequest, now: float) -> _Dispatch:
        dispatches = self._by_room.setdefault(room_name, {})
        if len(dispatches) >= limits.MAX_DISPATCHES:
            raise TooManyDispatchesError(f"room {room_name!r} has {limits.MAX_DISPATCHES} dispatches")
        message = AgentDispatch(
            id=self._new_sid("AD_"),
            agent_name=request.agent_name,
            room=room_name,
            metadata=request.metadata,
            restart_policy=request.restart_policy,
            deployment=request.deployment,
            attributes=dict(request.attributes),
            state=AgentDispatchState(created_at=self._nanoseconds(now)),
        )
        dispatches[message.id] = dispatch = _Dispatch(message)
        return dispatch

    def _launch(
        self,
        dispatch: _Dispatch,
        job_type: agent.JobType,
        room: models.Room,
        participant: models.ParticipantInfo | None,
        now: float,
    ) -> None:
        message = dispatch.message
        keys = self._pool.keys(message.agent_name, job_type, message.deployment)
        if not keys and message.agent_name and job_type == agent.JT_ROOM:
            logger.info("no worker for agent %r", message.agent_name, extra=fields(room=room.name))
        for key in keys:
            job = agent.Job(
                id=self._new_sid("AJ_"),
                dispatch_id=message.id,
                type=job_type,
                room=room,
                participant=participant,
                namespace=key.namespace,
                agent_name=message.agent_name,
                metadata=message.metadata,
                deployment=message.deployment,
                attributes=dict(message.attributes),
            )
            self._jobs.offer(job, now, dispatch.jobs.append)

    def _nanoseconds(self, now: float) -> int:
        return int(self._rooms.wall_time(now) * 1e9)
