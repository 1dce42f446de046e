"""Waiting for what happens in rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any, Protocol

from livekit import RemoteParticipant, Room, RoomOptions

ANNOUNCED_WITHIN = 10.0
"""Seconds; a real server announces a participant without media up to 3 s after it joined."""


class Join(Protocol):
    """The `join` fixture."""

    async def __call__(
        self, identity: str, *, room: str = ..., options: RoomOptions | None = None, **grants: Any
    ) -> Room: ...


async def listed(room: Room, identity: str) -> RemoteParticipant:
    """Wait until `room` lists the participant, and return it."""
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


class Happening:
    """An event to come: awaited, it gives its arguments, or fails if it does not come within the time."""

    def __init__(self) -> None:
        self._happened: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()

    def note(self, *arguments: Any) -> None:
        if not self._happened.done():
            self._happened.set_result(arguments)

    def __await__(self) -> Generator[Any, None, tuple[Any, ...]]:
        return asyncio.wait_for(self._happened, ANNOUNCED_WITHIN).__await__()


def once(room: Room, event: str) -> Happening:
    """The next event of that name, counted from now."""
    happening = Happening()
    room.on(event, happening.note)  # type: ignore[call-overload]  # any event
    return happening
