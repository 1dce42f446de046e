"""Audio of all SDKs through the server: each plays a tone of its own, which the others find by its frequency."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from tests.interop.harness import Participant
from tests.interop.kinds import BROWSER, NODE, OURS, PYTHON, Kind
from tests.interop.matrix import Matrix

pytestmark = [pytest.mark.peers, pytest.mark.asyncio(loop_scope="session")]

FREQUENCIES = (440.0, 1_000.0, 1_600.0, 2_500.0, 3_100.0)
SDKS = (OURS, PYTHON, NODE, BROWSER)


class Hall:
    """A room of participants that play tones, all of which leave at the end."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix
        self._room = f"audio-{uuid.uuid4().hex[:8]}"
        self._frequencies: dict[Participant, float] = {}
        self.members: list[Participant] = []

    async def join(self, kind: Kind, connections: int = 1) -> Participant:
        member = await self._matrix.audience(kind, self._room, connections)
        self.members.append(member)
        return member

    async def play(self, member: Participant) -> None:
        """Have a member play the next frequency."""
        self._frequencies[member] = FREQUENCIES[len(self._frequencies)]
        await member.program.ask("play", who=member.identity, frequency=self._frequencies[member])

    async def hear(self, listeners: Sequence[Participant], player: Participant) -> None:
        await self._each("hears", listeners, player)

    async def silence(self, listeners: Sequence[Participant], player: Participant) -> None:
        await self._each("silent", listeners, player)

    async def _each(self, what: str, listeners: Sequence[Participant], player: Participant) -> None:
        frequency = self._frequencies[player]
        asked = (member.do(what, other=player.identity, frequency=frequency) for member in listeners)
        await asyncio.gather(*asked)


@pytest_asyncio.fixture(loop_scope="session")
async def hall(matrix: Matrix) -> AsyncIterator[Hall]:
    opened = Hall(matrix)
    yield opened
    playing = [member for member in opened.members if not member.program.has_ended]
    left = await asyncio.gather(*(member.leave() for member in playing), return_exceptions=True)
    for member in opened.members:
        if member.identity.startswith(f"{NODE}-"):
            member.program.finish()
    for outcome in left:
        if isinstance(outcome, BaseException):
            raise outcome


@pytest.mark.parametrize("connections", [1, 2])
async def test_everyone_hears_everyone(hall: Hall, connections: int) -> None:
    """Participants of four SDKs hear each other, on one and on two peer connections, and one that joins late"""
    members = [await hall.join(kind, connections) for kind in SDKS]
    await asyncio.gather(*map(hall.play, members))
    members.append(await hall.join(PYTHON, connections))
    for player in members[: len(SDKS)]:
        await hall.hear([member for member in members if member is not player], player)


@pytest.mark.parametrize("kind", [OURS, PYTHON, BROWSER], ids=str)  # the SDK of Node.js cannot mute
async def test_mute_unmute(hall: Hall, kind: Kind) -> None:
    """A muted participant is not heard until it unmutes"""
    player, listeners = await hall.join(kind), [await hall.join(PYTHON), await hall.join(BROWSER)]
    await hall.play(player)
    await hall.hear(listeners, player)
    await player.do("mute", muted=True)
    await hall.silence(listeners, player)
    await player.do("mute", muted=False)
    await hall.hear(listeners, player)


@pytest.mark.parametrize("connections", [1, 2])
@pytest.mark.parametrize("kind", SDKS, ids=str)
async def test_unsubscribe(hall: Hall, kind: Kind, connections: int) -> None:
    """One that unsubscribes hears nothing until it subscribes again; the others hear on"""
    player, listener, other = await hall.join(PYTHON), await hall.join(kind, connections), await hall.join(NODE)
    await hall.play(player)
    await hall.hear([listener, other], player)
    await listener.do("subscribe", other=player.identity, wanted=False)
    await hall.silence([listener], player)
    await hall.hear([other], player)
    await listener.do("subscribe", other=player.identity, wanted=True)
    await hall.hear([listener], player)


@pytest.mark.parametrize("full", [False, True], ids=["resume", "full"])
@pytest.mark.parametrize("kind", SDKS, ids=str)
async def test_reconnect(hall: Hall, kind: Kind, full: bool) -> None:
    """Tones are heard again, in both directions, after a participant has resumed or joined again"""
    if kind is NODE and full:
        pytest.skip("a connection that rtc-node 1.1.0 closes while it negotiates may block its next one")
    player, other = await hall.join(kind), await hall.join(PYTHON)
    await hall.play(player)
    await hall.play(other)
    await hall.hear([other], player)
    await hall.hear([player], other)
    await player.do("reconnect", full=full)
    await hall.hear([other], player)
    await hall.hear([player], other)
