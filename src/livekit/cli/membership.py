"""A room that a command has joined, until SIGINT, SIGTERM or a disconnect. Imported only by such commands."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncGenerator, Coroutine
from typing import TYPE_CHECKING

from livekit._util.enum_names import enum_name
from livekit.enums import DisconnectReason

from .exits import CommandError
from .requests import command_errors
from .signals import finished_before, stop_requested

if TYPE_CHECKING:
    from livekit import Room
    from livekit.backend.twirp import TwirpEndpoint

__all__ = ["Membership", "joined"]


class Membership:
    """A joined room, and whether the command should stop."""

    def __init__(self, room: Room, name: str, identity: str) -> None:
        self.room = room
        self.name = name
        self.identity = identity
        self._stop = stop_requested()
        self._reason: DisconnectReason.ValueType | None = None
        room.on("disconnected", self._on_disconnected)

    async def finishes(self, work: Coroutine[object, object, None]) -> bool:
        """Await `work` and return True; return False, and cancel it, on SIGINT or SIGTERM.

        Raises:
            CommandError: the room was disconnected.
        """
        finished = await finished_before(self._stop, work)
        if self._reason is not None and not finished:
            raise CommandError(f"disconnected: {enum_name(DisconnectReason, self._reason)}")
        return finished

    def _on_disconnected(self, reason: DisconnectReason.ValueType) -> None:
        self._reason = reason
        self._stop.set()


@contextlib.asynccontextmanager
async def joined(
    endpoint: TwirpEndpoint, room: str, identity: str | None, role: str
) -> AsyncGenerator[Membership | None]:
    """Join a room without subscribing to its tracks; give None if SIGINT or SIGTERM came before.

    Args:
        identity: None for the role and a random suffix.

    Raises:
        CommandError: joining failed.
    """
    from livekit import Room, RoomOptions

    identity = identity or f"{role}-{secrets.token_hex(3)}"
    token = endpoint.token({"roomJoin": True, "room": room}, identity)
    async with Room() as connection:
        membership = Membership(connection, room, identity)
        connecting = connection.connect(endpoint.url, token, options=RoomOptions(auto_subscribe=False))
        with command_errors(endpoint.url):
            is_connected = await membership.finishes(connecting)
        yield membership if is_connected else None
