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


def drain(queue: FairQueue) -> list[bytes]:
    packets: list[bytes] = []
    while queue:
        packets.append(queue.pop())
    return packets


def test_alternates_between_senders() -> None:
    queue = FairQueue()
    for number in range(1000):
        queue.push("loud", b"%d" % number)
    queue.push("quiet", b"hello")
    assert b"hello" in [queue.pop(), queue.pop()]


def test_pop_from_empty_queue_raises() -> None:
    queue = FairQueue()
    assert not queue
    with pytest.raises(IndexError):
        queue.pop()


def test_clear_discards_packets() -> None:
    queue = FairQueue()
    queue.push("a", b"one")
    queue.clear()
    assert (bool(queue), queue.size) == (False, 0)
    queue.push("a", b"two")
    assert drain(queue) == [b"two"]


@given(st.lists(st.one_of(st.sampled_from("abc"), st.none())))
def test_is_fifo_within_each_sender(steps: list[str | None]) -> None:
    """A name pushes a packet of that sender, None pops one."""
    queue = FairQueue()
    added: list[bytes] = []
    out: list[bytes] = []
    for number, sender in enumerate(steps):
        if sender is not None:
            added.append(f"{sender}{number}".encode())
            queue.push(sender, added[-1])
        elif queue:
            out.append(queue.pop())
        assert queue.size == sum(map(len, added)) - sum(map(len, out))
    out += drain(queue)
    for name in "abc":
        of = [packet for packet in added if packet.startswith(name.encode())]
        assert [packet for packet in out if packet.startswith(name.encode())] == of
    assert len(out) == len(added)


async def test_flood_of_one_sender_does_not_delay_another(server: DevServer) -> None:
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
