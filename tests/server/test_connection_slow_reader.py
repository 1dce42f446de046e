"""A participant process that stops reading is removed; its backlog is bounded and other participants lose nothing."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from livekit.server import DevServer, limits
from livekit.server.events import ParticipantLeft
from livekit.server.responses import DisconnectReason
from tests.server.client import WireClient, expect_event, open_client
from tests.server.recording_link import grants, join, make_rooms, user_packet
from tests.support.processes import read_until, running

READER = str(Path(__file__).with_name("slow_reader.py"))
SIZE = 50_000
BACKLOG = 1024 * 1024
SENDING_AHEAD = 4 * SIZE


async def send_until(done: asyncio.Event, alice: WireClient, server: DevServer) -> tuple[int, int]:
    """Broadcast as fast as possible; return the number of packets and the largest backlog of bob."""
    participants = server.rooms.rooms[0].participants
    channel, sent, most = alice.channels[True], 0, 0
    while not done.is_set():
        if channel.buffered_amount < SENDING_AHEAD:
            sent += 1
            alice.send(user_packet(bytes(SIZE), sequence=sent))
        if "bob" in participants:
            most = max(most, participants["bob"].link.backlog)
        await asyncio.sleep(0)
    return sent, most


async def test_stalled_reader_is_removed(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_RELIABLE_BACKLOG", BACKLOG)
    token = server.token("bob", room="demo")
    async with (
        running(sys.executable, READER, server.url, token) as bob,
        open_client(server, "alice") as alice,
        open_client(server, "carol") as carol,
    ):
        _ = await read_until(bob, "in the room")
        removed = asyncio.Event()
        sending = asyncio.ensure_future(send_until(removed, alice, server))
        try:
            async with expect_event(server, ParticipantLeft, "bob"):
                bob.send_signal(signal.SIGSTOP)
        finally:
            bob.send_signal(signal.SIGCONT)
            removed.set()
        sent, most = await sending
        assert BACKLOG / 2 < most <= BACKLOG + SIZE + 1000
        numbers = [(await carol.next_packet())[0].sequence for _ in range(sent)]
        assert numbers == list(range(1, sent + 1))


def test_total_backlog_removes_slowest_reader_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_TOTAL_BACKLOG", 1000)
    rooms = make_rooms()
    members = [join(rooms, grants(f"{number}", room=f"room {number % 2}")) for number in range(5)]
    for member, backlog in zip(members, (100, 300, 250, 400, 50), strict=True):
        member.link.backlog_bytes = backlog
    rooms.tick(1.0)
    assert [member.is_in_room() for member in members] == [True, True, True, False, True]
    assert members[3].signal("leave").leave.reason == DisconnectReason.STATE_MISMATCH
    rooms.tick(2.0)
    assert sum(member.is_in_room() for member in members) == 4
