"""What backends and tools ask of the server over HTTP, as LiveKit's server SDKs do."""

from __future__ import annotations

from .agent_dispatch import AgentDispatchService
from .room_service import RoomService
from .twirp import TwirpError, TwirpRoutes

__all__ = ["AgentDispatchService", "RoomService", "TwirpError", "TwirpRoutes"]
