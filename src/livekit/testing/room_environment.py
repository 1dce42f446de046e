"""Test environments: an in-memory room, the embedded server, or a LiveKit server that is already running."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from typing import Any, Protocol

from livekit.server import DEV_KEYS
from livekit.server.token_source import TokenSource

from .memory import MemoryRoom
from .room_clients import RoomClients

__all__ = ["RoomEnvironment", "RunningServer", "TokenServer"]


class TokenServer(Protocol):
    """A URL and the tokens to connect with: `MemoryRoom`, `livekit.server.DevServer`, `RunningServer`."""

    @property
    def url(self) -> str: ...

    def token(self, identity: str, *, room: str = "", **grants: Any) -> str: ...


@dataclass(frozen=True)
class RunningServer(TokenSource):
    """A LiveKit server that is already running."""

    url: str
    api_key: str
    api_secret: str = field(repr=False)

    @classmethod
    def from_environment(cls, url: str | None = None) -> RunningServer | None:
        """Return the server at `url` or LIVEKIT_URL; None if neither is set. The key and secret are LIVEKIT_API_KEY and
        LIVEKIT_API_SECRET, by default those of development servers."""
        url = url or os.environ.get("LIVEKIT_URL")
        if not url:
            return None
        key, secret = next(iter(DEV_KEYS.items()))
        return cls(url, os.environ.get("LIVEKIT_API_KEY", key), os.environ.get("LIVEKIT_API_SECRET", secret))


class RoomEnvironment(RoomClients):
    """A room with a unique name on some server; the same test runs in every environment."""

    def __init__(
        self,
        name: str,
        server: TokenServer,
        *,
        announces_joins: bool = True,
        virtual: bool = False,
        closes_server: bool = False,
    ) -> None:
        """Create an environment on `server`; `aclose` also stops an in-memory server if `closes_server`."""
        super().__init__()
        self.name = name
        """``memory``, ``embedded`` or ``server``."""
        self.room = f"test-{uuid.uuid4().hex[:12]}"
        """The room's name."""
        self.announces_joins = announces_joins
        """Joins and leaves are announced immediately. A LiveKit server may take up to 3 s."""
        self.virtual = virtual
        """The test's event loop runs on a virtual clock."""
        self._server = server
        self._closes_server = closes_server

    def __repr__(self) -> str:
        return f"<RoomEnvironment {self.name} {self.url} room {self.room}>"

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def memory(self) -> MemoryRoom:
        """The in-memory room, for fault injection. Raises TypeError in other environments."""
        if not isinstance(self._server, MemoryRoom):
            raise TypeError(f"fault injection needs an in-memory room; this environment is {self.name}")
        return self._server

    async def aclose(self) -> None:
        await super().aclose()
        if self._closes_server:
            await self.memory.aclose()

    def token(self, identity: str, **grants: Any) -> str:
        return self._server.token(identity, **{"room": self.room, **grants})
