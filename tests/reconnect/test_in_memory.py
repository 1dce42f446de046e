"""Exactly-once, in-order delivery through reconnects of either participant at any moment, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest

from livekit import ByteStreamReader, Room, RpcInvocationData, TextStreamReader
from livekit.testing import Faults, MemoryRoom, VirtualClock
from livekit.testing.ledger import SUCCESS, CallLedger

DELAY = 0.5
"""Seconds; packets that arrived stay unacknowledged for as long."""


@pytest.fixture
async def clock() -> AsyncIterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


class Inbox:
    """Collects what a room receives."""

    def __init__(self, room: Room) -> None:
        self.packets: list[bytes] = []
        self.texts: list[str] = []
        self._reading: list[asyncio.Task[None]] = []
        room.on("data_received", lambda packet: self.packets.append(packet.data))
        room.register_text_stream_handler("text", self._on_text)
        room.register_byte_stream_handler("bytes", self._on_bytes)

    def _on_text(self, reader: TextStreamReader, sender: str) -> None:
        self._reading.append(asyncio.ensure_future(self._read_text(reader)))

    def _on_bytes(self, reader: ByteStreamReader, sender: str) -> None:
        self._reading.append(asyncio.ensure_future(self._read_bytes(reader)))

    async def _read_text(self, reader: TextStreamReader) -> None:
        self.texts.append(await reader.read_all())

    async def _read_bytes(self, reader: ByteStreamReader) -> None:
        self.texts.append((await reader.read_all()).decode())

    async def done(self) -> None:
        await asyncio.gather(*self._reading)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("continues", [True, False])
@pytest.mark.parametrize("moment", [0.1, 0.6, 0.9, 1.1])
async def test_retransmitted_packets_are_received_once(continues: bool, moment: float) -> None:
    """Even by servers that cannot associate a full reconnect with the previous session, such as LiveKit's."""
    async with MemoryRoom(announces_joins=continues, faults=Faults(delay=DELAY)) as memory:
        alice, bob = await memory.join("alice"), await memory.join("bob")
        inbox, me = Inbox(bob), alice.local_participant
        await me.publish_data(b"packet", destination_identities=["bob"])
        await me.send_text("inline", topic="text", destination_identities=["bob"])
        await me.send_text("long " * 10_000, topic="text", destination_identities=["bob"])
        await asyncio.sleep(moment)
        memory.lose_transport("alice")
        await asyncio.sleep(10)
        await inbox.done()
        assert inbox.packets == [b"packet"]
        assert sorted(inbox.texts) == ["inline", "long " * 10_000]


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("seed", range(8))
async def test_everything_arrives_once_through_all_kinds_of_losses(seed: int) -> None:
    random, ledger = Random(seed), CallLedger()
    faults = Faults(delay=0.05, jitter=0.05)
    async with MemoryRoom(faults=faults, seed=seed) as memory:
        rooms = {name: await memory.join(name) for name in ("alice", "bob")}
        ledger.watch(*rooms.values())
        inboxes = {name: Inbox(room) for name, room in rooms.items()}

        async def double(invocation: RpcInvocationData) -> str:
            await asyncio.sleep(random.random())
            return invocation.payload * 2

        for room in rooms.values():
            room.register_rpc_method("double", double)

        async def lose() -> None:
            while True:
                await asyncio.sleep(random.random() * 3)
                random.choice([memory.lose_signal, memory.lose_transport])(random.choice(["alice", "bob"]))

        async def talk(name: str, other: str) -> None:
            me = rooms[name].local_participant
            for number in range(100):
                await me.publish_data(f"{number}", destination_identities=[other])
                if number % 10 == 0:
                    await me.send_text(f"{number} " * 5000, topic="text", destination_identities=[other])
                payload = f"{name} {number} " * (1 + 1000 * (number % 3))
                answer = await me.perform_rpc(
                    destination_identity=other, method="double", payload=payload, response_timeout=30
                )
                assert answer == payload * 2

        losing = asyncio.ensure_future(lose())
        await asyncio.gather(talk("alice", "bob"), talk("bob", "alice"))
        losing.cancel()
        await asyncio.sleep(20)
        for inbox in inboxes.values():
            await inbox.done()
            assert inbox.packets == [b"%d" % number for number in range(100)]
            assert sorted(inbox.texts) == sorted(f"{number} " * 5000 for number in range(0, 100, 10))
    ledger.assert_clean()
    assert ledger.outcomes() == {SUCCESS: 200}


@pytest.mark.usefixtures("clock")
async def test_metadata_attributes_and_name_survive_full_reconnect_and_server_restart() -> None:
    async with MemoryRoom() as memory:
        alice = await memory.join("alice", can_update_own_metadata=True)
        bob = await memory.join("bob")
        me = alice.local_participant
        await me.set_metadata("new metadata")
        await me.set_attributes({"mood": "good"})
        await me.set_name("Alice")
        await asyncio.sleep(1)
        for is_new_server in (False, True):
            sid = me.sid
            if is_new_server:
                memory.restart(downtime=2)
            else:
                memory.lose_transport("alice")
            await asyncio.sleep(20)
            assert me.sid != sid
            remote = bob.remote_participants["alice"]
            for participant in (me, remote):
                assert (participant.metadata, participant.attributes) == ("new metadata", {"mood": "good"})
                assert participant.name == "Alice"
