"""Participants that a test connects to a room and disconnects at its end."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from typing_extensions import Self

from livekit.errors import EventLoopError
from livekit.options import RoomOptions
from livekit.room import Room

from .stub import Answer, StubParticipant

__all__ = ["RoomClients"]


class RoomClients(ABC):
    """A room that a test's participants join; the context disconnects those created by `join` and `stub`."""

    def __init__(self) -> None:
        self._joined: list[Room] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL to connect to."""

    @abstractmethod
    def token(self, identity: str, **grants: Any) -> str:
        """Return an access token for this room.

        `grants` has fields of `livekit.api.VideoGrants`, such as `can_publish_data=False` or `hidden=True`, and `name`,
        `metadata`, `attributes`, `kind`, `ttl` (seconds) and `room` (another room).
        """

    async def join(self, identity: str, *, options: RoomOptions | None = None, **grants: Any) -> Room:
        """Join and return the connected room. `grants` are those of `token`."""
        return await self._connect(Room(), identity, options, grants)

    async def stub(self, identity: str, answers: Mapping[str, Answer] | None = None, **grants: Any) -> StubParticipant:
        """Join a participant that records calls and answers from a script; see `StubParticipant.answer`."""
        stub = StubParticipant(Room())
        for method, answer in (answers or {}).items():
            stub.answer(method, answer)
        await self._connect(stub.room, identity, None, grants)
        return stub

    async def pair(self, first: str = "alice", second: str = "bob") -> tuple[Room, Room]:
        """Join two participants and wait until each lists the other."""
        rooms = await self.join(first), await self.join(second)
        await asyncio.gather(self.wait_for(rooms[0], second), self.wait_for(rooms[1], first))
        return rooms

    @staticmethod
    async def wait_for(room: Room, identity: str) -> None:
        """Wait until `room` lists a participant. Raises EventLoopError on another event loop."""
        room._check_loop()  # noqa: SLF001 - not part of the official `Room`
        listed = asyncio.Event()
        room.on("participant_connected", listed.set)
        try:
            while identity not in room.remote_participants:
                listed.clear()
                await listed.wait()
        finally:
            room.off("participant_connected", listed.set)

    async def aclose(self) -> None:
        """Disconnect the participants created by `join` and `stub`."""
        joined, self._joined = self._joined, []
        await asyncio.gather(*(room.disconnect() for room in joined))

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop = None
        await self.aclose()

    async def _connect(self, room: Room, identity: str, options: RoomOptions | None, grants: Mapping[str, Any]) -> Room:
        if self._loop not in (None, asyncio.get_running_loop()):
            raise EventLoopError(
                f"{self!r} was entered on another event loop, which could not disconnect {identity!r}: "
                "join on that loop (from a thread by asyncio.run_coroutine_threadsafe); a pytest fixture must have the "
                "loop_scope of its test"
            )
        await room.connect(self.url, self.token(identity, **grants), options)
        self._joined.append(room)
        return room
