"""A backend moves participants into another room (`MoveParticipant` of RoomService), where they continue."""

from __future__ import annotations

import pytest

from livekit.testing import RunningServer
from tests.interop.kinds import OFFICIAL, OURS, Kind
from tests.interop.matrix import Matrix

pytestmark = [
    pytest.mark.peers,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(RunningServer.from_environment() is not None, reason="few servers move participants"),
    pytest.mark.parametrize("kind", [OURS, *OFFICIAL], ids=str),
]


async def test_moved_participant_makes_and_answers_calls(matrix: Matrix, kind: Kind) -> None:
    """It answers calls there, lists the participants there, and calls them"""
    moved, other = await matrix.guest(kind), await matrix.guest(OURS)
    async with matrix.backend() as (backend, room):
        elsewhere = f"{room}-{kind}"
        await backend.move(room, moved.identity, elsewhere)
        assert await backend.perform_rpc(elsewhere, moved.identity, "echo", "there") == "there"
        await backend.move(room, other.identity, elsewhere)
        await moved.listed(other)
        assert await moved.call(other, "echo", "hello") == "hello"
        assert await other.call(moved, "echo", "hello to you") == "hello to you"
    await moved.leave()
    await other.leave()
