"""The web console of `livekit dev`: rooms, RPC calls, events, and forms for tokens and calls."""

from __future__ import annotations

from .routes import Console, ConsoleServer

__all__ = ["Console", "ConsoleServer"]
