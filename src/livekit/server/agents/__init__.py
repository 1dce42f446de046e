"""Agent dispatch: workers register at `/agent` and are assigned jobs for the rooms that request agents."""

from __future__ import annotations

from .agent_handler import AgentHandler
from .routes import AgentRoutes

__all__ = ["AgentHandler", "AgentRoutes"]
