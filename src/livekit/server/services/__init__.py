"""Twirp services for backends and tools, as LiveKit's server SDKs call them."""

from __future__ import annotations

from .agent_dispatch import AgentDispatchService
from .room_service import RoomService
from .twirp import TwirpError, TwirpRoutes

__all__ = ["AgentDispatchService", "RoomService", "TwirpError", "TwirpRoutes"]
