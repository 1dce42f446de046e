"""Where a test takes place: a room in memory, the embedded server, or a LiveKit server that runs already."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

from typing_extensions import Self

from livekit.options import RoomOptions
from livekit.room import Room
from livekit.server.auth import TokenAuthority

from .memory import MemoryRoom

__all__ = ["Ground", "RunningServer", "TokenServer"]


class TokenServer(Protocol):
    """Where clients connect, and with what: `MemoryRoom`, `livekit.server.DevServer`, `RunningServer`."""

    @property
    def url(self) -> str: ...

    def token(self, identity: str, *, room: str = "", **grants: Any) -> str: ...


@dataclass(frozen=True)
class RunningServer:
    """A LiveKit server that was started by somebody else."""

    url: str
    api_key: str
    api_secret: str = field(repr=False)

    @classmethod
    def from_environment(cls) -> RunningServer | None:
        """The server of LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET; None if the first is not set.

        Raises KeyError if it is and one of the others is not."""
        url = os.environ.get("LIVEKIT_URL")
        if not url:
            return None
        return cls(url, os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"])

    def token(
        self,
        identity: str,
        *,
        room: str = "",
        name: str = "",
        metadata: str = "",
        attributes: Mapping[str, str] | None = None,
        kind: str = "",
        ttl: float = 6 * 3600.0,
        **grants: object,
    ) -> str:
        """An access token, as `livekit.server.DevServer.token` makes them."""
        claims = {"name": name, "metadata": metadata, "attributes": dict(attributes or {}), "kind": kind}
        authority = TokenAuthority({self.api_key: self.api_secret})
        return authority.join_token(self.api_key, identity, room, claims=claims, grants=grants, lifetime=ttl)


class Ground:
    """A room of its own on some server; what a test does there is the same everywhere. At the end of its context
    those who came by `join` are disconnected."""

    def __init__(self, name: str, server: TokenServer, *, announces_joins: bool = True, virtual: bool = False) -> None:
        self.name = name
        """``memory``, ``embedded`` or ``server``."""
        self.room = f"test-{uuid.uuid4().hex[:12]}"
        """The name of the room."""
        self.announces_joins = announces_joins
        """Who joins or leaves is told at once. A LiveKit server takes up to 3 seconds."""
        self.virtual = virtual
        """The test's event loop is on a virtual clock."""
        self._server = server
        self._joined: list[Room] = []

    def __repr__(self) -> str:
        return f"<Ground {self.name} {self.url} room {self.room}>"

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def memory(self) -> MemoryRoom:
        """The room in memory, for its faults. Raises TypeError on another ground."""
        if not isinstance(self._server, MemoryRoom):
            raise TypeError(f"faults are made in a room in memory; this ground is {self.name}")
        return self._server

    def token(self, identity: str, **grants: Any) -> str:
        """An access token for this room. `grants` are those of `DevServer.token`: `hidden=True`, `name="…"`, …."""
        return self._server.token(identity, **{"room": self.room, **grants})

    async def join(self, identity: str, *, options: RoomOptions | None = None, **grants: Any) -> Room:
        """A connected room; `aclose` disconnects it."""
        room = Room()
        await room.connect(self.url, self.token(identity, **grants), options)
        self._joined.append(room)
        return room

    async def aclose(self) -> None:
        """Disconnect those who came by `join`."""
        joined, self._joined = self._joined, []
        await asyncio.gather(*(room.disconnect() for room in joined))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
