"""Agents: workers register at `/agent`, and get jobs for the rooms that ask for them."""

from __future__ import annotations

from .agents import Agents
from .routes import AgentRoutes

__all__ = ["AgentRoutes", "Agents"]
