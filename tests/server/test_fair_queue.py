from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.server import DevServer
from livekit.server.fair_queue import FairQueue
from livekit.server.transport_manager import FAIR_QUEUE_THRESHOLD
from tests.server.client import open_client
from tests.server.recording_link import user_packet

SIZE = 10_000


def taken(turns: FairQueue) -> list[bytes]:
    packets: list[bytes] = []
    while turns:
        packets.append(turns.pop())
    return packets


def test_who_sends_little_does_not_wait_behind_who_sends_much() -> None:
    turns = FairQueue()
    for number in range(1000):
        turns.push("loud", b"%d" % number)
    turns.push("quiet", b"hello")
    assert b"hello" in [turns.pop(), turns.pop()]


def test_nothing_is_left_to_take() -> None:
    turns = FairQueue()
    assert not turns
    with pytest.raises(IndexError):
        turns.pop()


def test_what_was_dropped_does_not_wait() -> None:
    turns = FairQueue()
    turns.push("a", b"one")
    turns.clear()
    assert (bool(turns), turns.size) == (False, 0)
    turns.push("a", b"two")
    assert taken(turns) == [b"two"]


@given(st.lists(st.one_of(st.sampled_from("abc"), st.none())))
def test_each_senders_order_stays(steps: list[str | None]) -> None:
    """A name adds a packet of that sender, None takes one."""
    turns = FairQueue()
    added: list[bytes] = []
    out: list[bytes] = []
    for number, sender in enumerate(steps):
        if sender is not None:
            added.append(f"{sender}{number}".encode())
            turns.push(sender, added[-1])
        elif turns:
            out.append(turns.pop())
        assert turns.size == sum(map(len, added)) - sum(map(len, out))
    out += taken(turns)
    for name in "abc":
        of = [packet for packet in added if packet.startswith(name.encode())]
        assert [packet for packet in out if packet.startswith(name.encode())] == of
    assert len(out) == len(added)


async def test_a_flood_of_one_sender_does_not_hold_up_another(server: DevServer) -> None:
    async with open_client(server, "bob") as bob:
        link = server.rooms.rooms[0].participants["bob"].link
        for number in range(1, 101):
            packet = user_packet(bytes(SIZE), sequence=number)
            assert link.send_packet(packet.SerializeToString(), reliable=True, sender="loud")
        waiting = link.backlog
        assert link.send_packet(user_packet(b"quiet").SerializeToString(), reliable=True, sender="quiet")
        assert waiting > 50 * SIZE, "what waits for its turn counts"
        packets = [(await bob.next_packet())[0] for _ in range(101)]
        assert link.backlog == 0
    place = [packet.user.payload for packet in packets].index(b"quiet")
    assert place <= FAIR_QUEUE_THRESHOLD // SIZE + 2
    assert [packet.sequence for packet in packets if packet.sequence] == list(range(1, 101))
