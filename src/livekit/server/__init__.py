"""A LiveKit-compatible server for development and tests: rooms and data, no audio or video.

async with DevServer(port=0) as server:
    await room.connect(server.url, server.token("alice", room="demo"))
"""

from __future__ import annotations

from .devserver import DEFAULT_PORT, DEV_KEYS, DevServer, ServerStartError
from .room import RoomSettings
from .webhooks import WebhookSettings

__all__ = ["DEFAULT_PORT", "DEV_KEYS", "DevServer", "RoomSettings", "ServerStartError", "WebhookSettings"]
