"""Which agents a room asks for: by default any without a name, else those named for it. No I/O, no clock."""

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
from livekit.server.events import ParticipantJoined, ParticipantLeft, RoomEvent, RoomFinished, RoomStarted
from livekit.server.responses import DisconnectReason

from .jobs import Jobs
from .workers import WorkerPool

if TYPE_CHECKING:
    from livekit.server.room import Room
    from livekit.server.room_manager import RoomManager

logger = logging.getLogger(__name__)

LEAVE_TIMEOUT = 3.0
"""Seconds that an agent may stay in its room once its dispatch was deleted."""

Wanted = RoomAgentDispatch | CreateAgentDispatchRequest

_LEFT = "agent worker left the room"
_ANY_AGENT: Sequence[RoomAgentDispatch] = (RoomAgentDispatch(),)


class TooManyDispatchesError(Exception):
    """The room has `limits.MAX_DISPATCHES` already."""


@dataclass(slots=True)
class _Dispatch:
    message: AgentDispatch
    jobs: deque[agent.Job] = field(default_factory=lambda: deque(maxlen=limits.MAX_DISPATCH_JOBS))
    """Those that a worker took; their state goes on changing."""

    def snapshot(self) -> AgentDispatch:
        copy = AgentDispatch()
        copy.CopyFrom(self.message)
        copy.state.jobs.extend(self.jobs)
        return copy


@dataclass(frozen=True, slots=True)
class _Leaving:
    room: str
    identity: str
    sid: str
    deadline: float


class Dispatches:
    """The dispatches of every room, and the jobs that come of them."""

    def __init__(self, rooms: RoomManager, pool: WorkerPool, jobs: Jobs, new_sid: Callable[[str], str]) -> None:
        self._rooms = rooms
        self._pool = pool
        self._jobs = jobs
        self._new_sid = new_sid
        self._by_room: dict[str, dict[str, _Dispatch]] = {}
        self._leaving: list[_Leaving] = []

    def observe(self, event: RoomEvent, now: float) -> None:
        """Something happened in a room."""
        if isinstance(event, RoomStarted):
            self._started(event.room, now)
        elif isinstance(event, ParticipantJoined):
            self._joined(event.room, event.participant, now)
        elif isinstance(event, ParticipantLeft):
            self._left(event.room, event.participant, now)
        else:
            self._finished(event, now)

    def create(self, room: Room, wanted: Wanted, now: float) -> AgentDispatch:
        """Ask for an agent, for the room and for whoever is in it. Raises TooManyDispatchesError."""
        dispatch = self._add(room.name, wanted, now)
        self._launch(dispatch, agent.JT_ROOM, room.info(), None, now)
        for participant in list(room.participants.values()):
            if not participant.is_dependent:
                self._launch(dispatch, agent.JT_PARTICIPANT, room.info(), participant.info(), now)
        return dispatch.snapshot()

    def list(self, room_name: str, dispatch_id: str = "") -> list[AgentDispatch]:
        """The dispatches of a room, or the one with that id."""
        dispatches = self._by_room.get(room_name, {}).values()
        return [dispatch.snapshot() for dispatch in dispatches if dispatch_id in ("", dispatch.message.id)]

    def delete(self, room_name: str, dispatch_id: str, now: float) -> AgentDispatch | None:
        """End the jobs of a dispatch; agents that do not leave by themselves are removed later. None: no such one."""
        dispatch = self._by_room.get(room_name, {}).pop(dispatch_id, None)
        if dispatch is None:
            return None
        self._jobs.end_dispatch(dispatch_id, now)
        room = self._rooms.get(room_name)
        for job in dispatch.jobs:
            participant = room.participants.get(job.state.participant_identity) if room else None
            if participant is not None:
                leaving = _Leaving(room_name, participant.identity, participant.sid, now + LEAVE_TIMEOUT)
                self._leaving.append(leaving)
        dispatch.message.state.deleted_at = self._nanoseconds(now)
        return dispatch.snapshot()

    def tick(self, now: float) -> None:
        """Remove the agents that had to leave and did not; call it about once a second."""
        overdue = [leaving for leaving in self._leaving if now >= leaving.deadline]
        self._leaving = [leaving for leaving in self._leaving if now < leaving.deadline]
        for leaving in overdue:
            room = self._rooms.get(leaving.room)
            participant = room.participants.get(leaving.identity) if room else None
            if room is not None and participant is not None and participant.sid == leaving.sid:
                room.remove(participant, DisconnectReason.PARTICIPANT_REMOVED, now)

    def _started(self, info: models.Room, now: float) -> None:
        room = self._rooms.get(info.name)
        wanted = room.settings.agents if room else None
        for one in (_ANY_AGENT if wanted is None else wanted)[: limits.MAX_DISPATCHES]:
            self._launch(self._add(info.name, one, now), agent.JT_ROOM, info, None, now)

    def _joined(self, info: models.Room, who: models.ParticipantInfo, now: float) -> None:
        room = self._rooms.get(info.name)
        participant = room.participants.get(who.identity) if room else None
        if participant is not None and not participant.is_dependent:
            for dispatch in list(self._by_room.get(info.name, {}).values()):
                self._launch(dispatch, agent.JT_PARTICIPANT, info, who, now)

    def _left(self, room: models.Room, participant: models.ParticipantInfo, now: float) -> None:
        job = self._jobs.running_as(room.name, participant.identity)
        # Who is replaced by a newer connection of its own is still there.
        if job is not None and participant.disconnect_reason != DisconnectReason.DUPLICATE_IDENTITY:
            self._jobs.terminate(job.id, now, error=_LEFT)

    def _finished(self, event: RoomFinished, now: float) -> None:
        for dispatch_id in self._by_room.pop(event.room.name, {}):
            self._jobs.end_dispatch(dispatch_id, now)

    def _add(self, room_name: str, wanted: Wanted, now: float) -> _Dispatch:
        dispatches = self._by_room.setdefault(room_name, {})
        if len(dispatches) >= limits.MAX_DISPATCHES:
            raise TooManyDispatchesError(f"room {room_name!r} has {limits.MAX_DISPATCHES} dispatches")
        message = AgentDispatch(
            id=self._new_sid("AD_"),
            agent_name=wanted.agent_name,
            room=room_name,
            metadata=wanted.metadata,
            restart_policy=wanted.restart_policy,
            deployment=wanted.deployment,
            attributes=dict(wanted.attributes),
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
        wanted = dispatch.message
        keys = self._pool.keys(wanted.agent_name, job_type, wanted.deployment)
        if not keys and wanted.agent_name and job_type == agent.JT_ROOM:
            logger.info("no worker for agent %r", wanted.agent_name, extra=fields(room=room.name))
        for key in keys:
            job = agent.Job(
                id=self._new_sid("AJ_"),
                dispatch_id=wanted.id,
                type=job_type,
                room=room,
                participant=participant,
                namespace=key.namespace,
                agent_name=wanted.agent_name,
                metadata=wanted.metadata,
                deployment=wanted.deployment,
                attributes=dict(wanted.attributes),
            )
            self._jobs.offer(job, now, dispatch.jobs.append)

    def _nanoseconds(self, now: float) -> int:
        return int(self._rooms.wall_time(now) * 1e9)
