"""RoomManager in memory: what works, and what goes wrong on purpose."""

from __future__ import annotations

import asyncio
import gc
import time
from random import Random

import pytest

from livekit import ConnectionState, DisconnectReason, Room, RoomOptions, RpcError
from livekit.errors import AuthenticationError, ConnectError, ServerUnreachableError
from livekit.protocol import models
from livekit.server import RoomSettings
from livekit.testing import Faults, MemoryRoom, StubParticipant, VirtualClock

Code = RpcError.ErrorCode


async def ask(
    room: Room, identity: str = "bob", method: str = "ping", payload: str = "", timeout: float | None = None
) -> str:
    return await room.local_participant.perform_rpc(
        destination_identity=identity, method=method, payload=payload, response_timeout=timeout
    )


async def event(room: Room, name: str, within: float = 60.0) -> None:
    """Wait for an event of the room."""
    happened = asyncio.Event()
    room.on(name, lambda *_: happened.set())  # type: ignore[call-overload]  # any of the names
    await asyncio.wait_for(happened.wait(), within)


async def two(memory: MemoryRoom) -> tuple[Room, StubParticipant]:
    """Alice, and Bob who answers."""
    bob = await memory.stub("bob", {"ping": "pong", "echo": lambda data: data.payload})
    return await memory.join("alice"), bob


class TestJoining:
    async def test_connect_is_what_it_always_is(self, memory: MemoryRoom) -> None:
        async with Room() as alice:
            await alice.connect(memory.url, memory.token("alice", name="Alice", attributes={"team": "red"}))
            assert alice.name == memory.name
            assert alice.connection_state == ConnectionState.CONN_CONNECTED
            assert alice.local_participant.name == "Alice"
            assert alice.local_participant.attributes == {"team": "red"}
            assert not alice.remote_participants

    async def test_a_pair_lists_each_other(self, memory: MemoryRoom) -> None:
        alice, bob = await memory.pair()
        assert list(alice.remote_participants) == ["bob"]
        assert list(bob.remote_participants) == ["alice"]

    async def test_two_peer_connections(self, memory: MemoryRoom) -> None:
        alice = await memory.join("alice", options=RoomOptions(single_peer_connection=False))
        await memory.stub("bob", {"ping": "pong"})
        assert await ask(alice) == "pong"

    async def test_other_rooms_of_the_same_server(self, memory: MemoryRoom) -> None:
        alice = await memory.join("alice")
        elsewhere = await memory.join("bob", room="elsewhere")
        assert elsewhere.name == "elsewhere"
        assert not alice.remote_participants

    async def test_a_wrong_token(self, memory: MemoryRoom) -> None:
        token = memory.token("alice")
        for wrong in (token[:-4] + "AAAA", memory.token("alice", ttl=-3600), memory.token("alice", room_join=False)):
            with pytest.raises(AuthenticationError):
                await Room().connect(memory.url, wrong)

    async def test_a_full_room(self, clock: VirtualClock) -> None:
        async with MemoryRoom(settings=RoomSettings(max_participants=1)) as memory:
            await memory.join("alice")
            with pytest.raises(ConnectError, match="max participants"):
                await memory.join("bob")

    async def test_the_room_is_gone(self, clock: VirtualClock) -> None:
        memory = MemoryRoom()
        url, token = memory.url, memory.token("alice")
        del memory
        gc.collect()
        with pytest.raises(ConnectError, match="keep a reference to its MemoryRoom"):
            await Room().connect(url, token)

    async def test_not_reachable(self, memory: MemoryRoom) -> None:
        memory.reachable = False
        with pytest.raises(ServerUnreachableError):
            await memory.join("alice")
        memory.reachable = True
        await memory.join("alice")

    async def test_cancelling_leaves_nothing(self, memory: MemoryRoom) -> None:
        memory.faults = Faults(delay=1.0)
        for after in (0.5, 2.5, 4.5):
            joining = asyncio.ensure_future(memory.join("alice"))
            await asyncio.sleep(after)
            joining.cancel()
            with pytest.raises(asyncio.CancelledError):
                await joining
        memory.faults = Faults()
        await memory.join("alice")

    async def test_closing_puts_everybody_out(self, clock: VirtualClock) -> None:
        async with MemoryRoom() as memory:
            alice = Room()
            await alice.connect(memory.url, memory.token("alice"))
            bob = await memory.join("bob")
        await asyncio.sleep(1)
        assert not alice.isconnected()
        assert not bob.isconnected()

    def test_two_event_loops_one_after_the_other(self) -> None:
        """A room that is closed can be used again, on another loop."""
        memory = MemoryRoom()

        async def use() -> str:
            async with memory:
                alice, _ = await two(memory)
                return await ask(alice)

        assert [asyncio.run(use()), asyncio.run(use())] == ["pong", "pong"]


class TestCalls:
    @pytest.mark.parametrize("size", [0, 1, 15_360, 15_361, 65_536, 262_144])
    async def test_payloads(self, memory: MemoryRoom, size: int) -> None:
        alice, _ = await two(memory)
        payload = "".join(chr(33 + (number * 7919) % 90) for number in range(size))
        assert await ask(alice, method="echo", payload=payload) == payload

    async def test_both_ways_and_to_oneself(self, memory: MemoryRoom) -> None:
        alice, bob = await two(memory)
        alice.register_rpc_method("ping", lambda data: f"pong to {data.caller_identity}")
        assert await ask(bob.room, "alice") == "pong to bob"
        assert await ask(alice, "alice") == "pong to alice"

    async def test_nobody_there(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        alice, _ = await two(memory)
        before = clock.elapsed
        with pytest.raises(RpcError) as error:
            await ask(alice, "nobody")
        assert error.value.code == Code.RECIPIENT_NOT_FOUND
        assert clock.elapsed - before < 0.3

    async def test_the_clock_proves_timeouts(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        alice, bob = await two(memory)
        bob.answer("ping", "too late", delay=3600)
        before, really = clock.elapsed, time.monotonic()
        with pytest.raises(RpcError) as error:
            await ask(alice)
        assert error.value.code == Code.RESPONSE_TIMEOUT
        assert clock.elapsed - before == pytest.approx(15, abs=0.001)
        assert time.monotonic() - really < 5

    async def test_three_participants_and_ten_calls_wait_for_nothing(self, memory: MemoryRoom) -> None:
        """They take no time of the clock, and a bounded number of the loop's turns: some milliseconds."""
        loop = asyncio.get_running_loop()
        turns = 0
        counting = True

        def count() -> None:
            nonlocal turns
            turns += 1
            if counting:
                loop.call_soon(count)

        loop.call_soon(count)
        started = loop.time()
        alice, _ = await two(memory)
        await memory.join("carol")
        for _ in range(10):
            assert await ask(alice) == "pong"
        counting = False
        assert loop.time() == started
        assert turns < 200

    async def test_a_thousand_calls_at_once(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        alice, bob = await two(memory)
        answers = await asyncio.gather(*(ask(alice, method="echo", payload=str(number)) for number in range(1000)))
        assert answers == [str(number) for number in range(1000)]
        assert len(bob.calls.received) == 1000

    async def test_a_long_payload_does_not_hold_up_a_short_one(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        """260 KB, which deflate halves, take 2.6 s up and down; a short call behind them does not wait for that."""
        memory.faults = Faults(bandwidth=50_000)
        alice, _ = await two(memory)
        random = Random(0).randbytes(130_000).hex()
        long = asyncio.ensure_future(ask(alice, method="echo", payload=random))
        await asyncio.sleep(0.1)
        before = clock.elapsed
        assert await ask(alice) == "pong"
        assert clock.elapsed - before < 2.5
        assert not long.done()
        assert await long == random


class TestPermissions:
    async def test_from_the_start(self, memory: MemoryRoom) -> None:
        await memory.stub("bob", {"ping": "pong"})
        muted = await memory.join("alice", can_publish_data=False)
        with pytest.raises(RpcError) as error:
            await ask(muted)
        assert error.value.data == '{"reason":"cannot_publish_data"}'

    async def test_hidden(self, memory: MemoryRoom) -> None:
        alice, _ = await two(memory)
        await memory.join("ghost", hidden=True)
        await asyncio.sleep(1)
        assert list(alice.remote_participants) == ["bob"]

    async def test_changes(self, memory: MemoryRoom) -> None:
        alice, _ = await two(memory)
        memory.set_permission("bob", can_publish_data=False)
        await asyncio.sleep(0.1)
        assert not alice.remote_participants["bob"].permissions.can_publish_data
        memory.set_permission("bob", can_publish_data=True, hidden=True)
        await asyncio.sleep(0.1)
        assert not alice.remote_participants

    async def test_what_a_server_would_not_pass_on(self, memory: MemoryRoom) -> None:
        """An injected packet comes as it is, unchecked."""
        _, bob = await two(memory)
        request = models.RpcRequest(id="forged", method="ping", response_timeout_ms=1000, version=1)
        memory.inject("bob", models.DataPacket(participant_identity="mallory", rpc_request=request))
        await asyncio.sleep(0.1)
        bob.calls.assert_received("ping", caller="mallory", times=1)

    async def test_nobody_of_that_name(self, memory: MemoryRoom) -> None:
        await memory.join("alice")
        for do in (memory.remove, memory.lose_signal, memory.lose_transport, memory.hold, memory.set_permission):
            with pytest.raises(KeyError):
                do("nobody")


class TestFaults:
    async def test_delay_is_both_ways(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        alice, _ = await two(memory)
        memory.faults = Faults(delay=0.1)
        before = clock.elapsed
        assert await ask(alice) == "pong"
        assert clock.elapsed - before == pytest.approx(0.4)

    async def test_for_one_participant(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        alice, _ = await two(memory)
        memory.faults_of["bob"] = Faults(delay=0.1)
        before = clock.elapsed
        assert await ask(alice) == "pong"
        assert clock.elapsed - before == pytest.approx(0.2)

    async def test_duplicates_reach_no_handler_twice(self, memory: MemoryRoom) -> None:
        memory.faults = Faults(duplicate=1.0, delay=0.01, jitter=0.05)
        alice, bob = await two(memory)
        for number in range(20):
            assert await ask(alice, method="echo", payload=str(number)) == str(number)
        bob.calls.assert_received("echo", times=20)

    async def test_signal_loss_is_resumed(self, memory: MemoryRoom) -> None:
        alice, _ = await two(memory)
        sid = alice.local_participant.sid
        memory.lose_signal("alice")
        assert await ask(alice) == "pong"
        if alice.connection_state == ConnectionState.CONN_RECONNECTING:
            await event(alice, "reconnected")
        assert alice.local_participant.sid == sid

    async def test_a_lost_signal_stays_lost_while_the_server_is_not_reachable(self, memory: MemoryRoom) -> None:
        alice, _ = await two(memory)
        memory.reachable = False
        memory.lose_signal("alice")
        await event(alice, "reconnecting")
        await asyncio.sleep(3)
        assert alice.connection_state == ConnectionState.CONN_RECONNECTING
        memory.reachable = True
        await event(alice, "reconnected")
        assert await ask(alice) == "pong"

    async def test_transport_loss_is_a_full_reconnect(self, memory: MemoryRoom) -> None:
        alice, _ = await two(memory)
        sid = alice.local_participant.sid
        memory.lose_transport("alice")
        await event(alice, "reconnected")
        assert alice.local_participant.sid != sid
        assert await ask(alice) == "pong"

    async def test_hold(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        alice, _ = await two(memory)
        memory.hold("bob")
        asyncio.get_running_loop().call_later(3, memory.release, "bob")
        before = clock.elapsed
        assert await ask(alice) == "pong"
        assert clock.elapsed - before == pytest.approx(3)

    async def test_held_for_too_long(self, memory: MemoryRoom) -> None:
        """Both sides notice by their pings, and come together again."""
        alice, bob = await two(memory)
        memory.hold("bob")
        await event(bob.room, "reconnecting")
        memory.release("bob")
        await event(bob.room, "reconnected")
        assert await ask(alice, timeout=10.0) == "pong"

    async def test_restart(self, memory: MemoryRoom) -> None:
        alice, bob = await two(memory)
        sid = await alice.sid
        memory.restart(downtime=2.0)
        await asyncio.gather(event(alice, "reconnected"), event(bob.room, "reconnected"))
        assert await alice.sid != sid
        assert await ask(alice) == "pong"

    async def test_shut_down(self, memory: MemoryRoom) -> None:
        alice, _ = await two(memory)
        memory.shut_down()
        await event(alice, "disconnected")
        assert alice.local_participant.disconnect_reason == DisconnectReason.SERVER_SHUTDOWN

    async def test_remove(self, memory: MemoryRoom) -> None:
        alice, bob = await two(memory)
        bob.answer("ping", "never", delay=3600)
        call = asyncio.ensure_future(ask(alice))
        await asyncio.sleep(1)
        memory.remove("bob")
        with pytest.raises(RpcError) as error:
            await call
        assert error.value.code == Code.RECIPIENT_DISCONNECTED
        await asyncio.sleep(1)
        assert bob.room.local_participant.disconnect_reason == DisconnectReason.PARTICIPANT_REMOVED

    async def test_slow_setup(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        """A participant is listed before it can receive; its packets wait for that."""
        alice = await memory.join("alice")
        memory.faults_of["bob"] = Faults(setup=1.0)
        joining = asyncio.ensure_future(memory.stub("bob", {"ping": "pong"}))
        await memory.wait_for(alice, "bob")
        before = clock.elapsed
        assert await ask(alice) == "pong"
        assert clock.elapsed - before == pytest.approx(1.0, abs=0.01)
        await joining


class TestLateAnnouncements:
    """What a LiveKit server does with participants that publish no media."""

    async def test_joins_are_told_late(self, clock: VirtualClock) -> None:
        async with MemoryRoom(announces_joins=False) as memory:
            alice = await memory.join("alice")
            await memory.join("bob")
            assert not alice.remote_participants
            before = clock.elapsed
            await memory.wait_for(alice, "bob")
            assert clock.elapsed - before <= 3.0

    async def test_who_was_there_is_told_at_once(self, clock: VirtualClock) -> None:
        async with MemoryRoom(announces_joins=False) as memory:
            await memory.join("alice")
            assert list((await memory.join("bob")).remote_participants) == ["alice"]

    async def test_calls_reach_who_was_not_announced(self, clock: VirtualClock) -> None:
        async with MemoryRoom(announces_joins=False) as memory:
            alice = await memory.join("alice")
            await memory.stub("bob", {"ping": "pong"})
            assert await ask(alice) == "pong"

    async def test_who_is_nowhere_takes_longer_to_tell(self, clock: VirtualClock) -> None:
        async with MemoryRoom(announces_joins=False) as memory:
            alice = await memory.join("alice")
            before = clock.elapsed
            with pytest.raises(RpcError) as error:
                await ask(alice, "nobody")
            assert error.value.code == Code.RECIPIENT_NOT_FOUND
            assert 3.0 < clock.elapsed - before < 4.0

    async def test_permissions_are_told_at_once(self, clock: VirtualClock) -> None:
        async with MemoryRoom(announces_joins=False) as memory:
            alice, _ = await two(memory)
            await memory.wait_for(alice, "bob")
            await asyncio.sleep(3)
            memory.set_permission("bob", can_publish_data=False)
            await asyncio.sleep(0.01)
            assert not alice.remote_participants["bob"].permissions.can_publish_data

    async def test_leaves_are_told_late(self, clock: VirtualClock) -> None:
        async with MemoryRoom(announces_joins=False) as memory:
            alice, bob = await memory.pair()
            await asyncio.sleep(3)
            await bob.disconnect()
            await asyncio.sleep(0.01)
            assert list(alice.remote_participants) == ["bob"]
            await asyncio.sleep(3)
            assert not alice.remote_participants

    async def test_a_resume(self, clock: VirtualClock) -> None:
        async with MemoryRoom(announces_joins=False) as memory:
            alice, _ = await two(memory)
            memory.lose_signal("alice")
            await event(alice, "reconnected")
            await memory.wait_for(alice, "bob")
            assert await ask(alice) == "pong"
