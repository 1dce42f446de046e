"""The event emitter."""

from __future__ import annotations

from livekit.events import EventEmitter

__all__ = ["EventEmitter"]
