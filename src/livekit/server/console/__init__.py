"""The page of `livekit dev`: who is there, which calls pass, and forms to try things."""

from __future__ import annotations

from .routes import Console, ConsoleServer

__all__ = ["Console", "ConsoleServer"]
