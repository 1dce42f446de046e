"""Waiting for what happens in rooms."""

from __future__ import annotations

import asyncio
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


def once(room: Room, event: str) -> asyncio.Future[tuple[Any, ...]]:
    """The arguments of the next event of that name, counted from now; an error if it does not come."""
    happened: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()

    def on_event(*arguments: Any) -> None:
        if not happened.done():
            happened.set_result(arguments)

    room.on(event, on_event)  # type: ignore[call-overload]  # any event
    return asyncio.ensure_future(asyncio.wait_for(happened, ANNOUNCED_WITHIN))
