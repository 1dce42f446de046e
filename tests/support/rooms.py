"""Waiting for participants and events."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any, Protocol

from livekit import RemoteParticipant, Room, RoomOptions

ANNOUNCED_WITHIN = 10.0
"""Seconds. A LiveKit server announces a participant without media up to 3 s after it has joined."""


class Join(Protocol):
    """The `join` fixture."""

    async def __call__(
        self, identity: str, *, room: str = ..., options: RoomOptions | None = None, **grants: Any
    ) -> Room: ...


async def listed(room: Room, identity: str) -> RemoteParticipant:
    """Wait until the participant is announced to `room`, and return it."""
    announced = asyncio.Event()

    def on_connected(participant: RemoteParticipant) -> None:
        announced.set()

    room.on("participant_connected", on_connected)
    try:
        while identity not in room.remote_participants:
            announced.clear()
            await asyncio.wait_for(announced.wait(), ANNOUNCED_WITHIN)
    finally:
        room.off("participant_connected", on_connected)
    return room.remote_participants[identity]


class EventWaiter:
    """Awaits one event and returns its arguments. Raises TimeoutError after `ANNOUNCED_WITHIN` seconds."""

    def __init__(self) -> None:
        self._arguments: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()

    def set(self, *arguments: Any) -> None:
        if not self._arguments.done():
            self._arguments.set_result(arguments)

    def __await__(self) -> Generator[Any, None, tuple[Any, ...]]:
        return asyncio.wait_for(self._arguments, ANNOUNCED_WITHIN).__await__()


def once(room: Room, event: str) -> EventWaiter:
    """Return an awaitable of the next event of that name."""
    waiter = EventWaiter()
    room.on(event, waiter.set)  # type: ignore[call-overload]  # any event
    return waiter
