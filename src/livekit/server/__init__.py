"""A LiveKit-compatible server for development and tests: rooms, data, and forwarding of audio and video.

    async with DevServer(port=0) as server:
        await room.connect(server.url, server.token("alice", room="demo"))

The core does no I/O and has no clock: it takes bytes, protobuf messages and the time `now` as arguments, and sends
through a `ParticipantLink`; only the rate limit of log warnings reads the clock itself. Its entry point is
`room_manager`; it consists of `room`, `participant`, `forwarding` (of data packets), `data_tracks`, `signal_dispatch`,
`packet_buffers`, `fair_queue`, `rate_limit`, `permissions`, `limits` and the small modules that these import.
`connection`, `transport_manager`, `http` and `devserver` run it on asyncio, aiohttp and peer connections.
"""

from __future__ import annotations

from .devserver import DEFAULT_PORT, DEV_KEYS, DevServer, ServerStartError
from .room import RoomSettings
from .webhooks import WebhookSettings

__all__ = ["DEFAULT_PORT", "DEV_KEYS", "DevServer", "RoomSettings", "ServerStartError", "WebhookSettings"]
