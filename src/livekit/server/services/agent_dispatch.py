"""`livekit.AgentDispatchService`: explicit dispatch of agents to rooms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from livekit.protocol import agent_dispatch as pb
from livekit.server.agents import AgentHandler
from livekit.server.agents.dispatches import TooManyDispatchesError
from livekit.server.permissions import Grants
from livekit.server.room_manager import RoomFullError, RoomManager

from . import access
from .twirp import Method, TwirpError, method


class AgentDispatchService:
    """Implements the service for the rooms of a server."""

    def __init__(self, rooms: RoomManager, agents: AgentHandler, clock: Callable[[], float]) -> None:
        """Serve `rooms`; `clock` is theirs."""
        self._rooms: Final = rooms
        self._agents: Final = agents
        self._clock: Final = clock

    @property
    def methods(self) -> Mapping[str, Method]:
        """Twirp methods, by name."""
        return {
            "CreateDispatch": method(pb.CreateAgentDispatchRequest, self.create_dispatch),
            "DeleteDispatch": method(pb.DeleteAgentDispatchRequest, self.delete_dispatch),
            "ListDispatch": method(pb.ListAgentDispatchRequest, self.list_dispatch),
        }

    def create_dispatch(self, grants: Grants, request: pb.CreateAgentDispatchRequest) -> pb.AgentDispatch:
        """Dispatch an agent to a room, which is created if it does not exist."""
        access.require_admin(grants, request.room)
        access.check_room_name(request.room)
        access.check_name(request.agent_name)
        access.check_metadata(request.metadata)
        access.check_attributes(request.attributes)
        now = self._clock()
        try:
            room = self._rooms.create(request.room, now)
            return self._agents.dispatches.create(room, request, now)
        except (RoomFullError, TooManyDispatchesError) as error:
            raise TwirpError("resource_exhausted", str(error)) from error

    def delete_dispatch(self, grants: Grants, request: pb.DeleteAgentDispatchRequest) -> pb.AgentDispatch:
        """Terminate the jobs of a dispatch."""
        access.require_admin(grants, request.room)
        access.existing_room(self._rooms, request.room)
        dispatch = self._agents.dispatches.delete(request.room, request.dispatch_id, self._clock())
        if dispatch is None:
            raise TwirpError("not_found", "dispatch ID not found")
        return dispatch

    def list_dispatch(self, grants: Grants, request: pb.ListAgentDispatchRequest) -> pb.ListAgentDispatchResponse:
        access.require_admin(grants, request.room)
        access.existing_room(self._rooms, request.room)
        found = self._agents.dispatches.list(request.room, request.dispatch_id)
        return pb.ListAgentDispatchResponse(agent_dispatches=found)
