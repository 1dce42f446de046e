"""Rooms in memory: joining, calls, permissions, injected faults and late announcements."""

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


async def call(
    room: Room, identity: str = "bob", method: str = "ping", payload: str = "", timeout: float | None = None
) -> str:
    return await room.local_participant.perform_rpc(
        destination_identity=identity, method=method, payload=payload, response_timeout=timeout
    )


async def wait_for_event(room: Room, name: str, timeout: float = 60.0) -> None:
    """Wait until the room emits an event."""
    emitted = asyncio.Event()
    room.on(name, lambda *_: emitted.set())  # type: ignore[call-overload]  # any of the names
    await asyncio.wait_for(emitted.wait(), timeout)


async def join_two(memory: MemoryRoom) -> tuple[Room, StubParticipant]:
    """Join Alice, and Bob as a stub with the methods `ping` and `echo`."""
    bob = await memory.stub("bob", {"ping": "pong", "echo": lambda data: data.payload})
    return await memory.join("alice"), bob


class TestJoining:
    async def test_connect_joins_with_the_token(self, memory: MemoryRoom) -> None:
        async with Room() as alice:
            await alice.connect(memory.url, memory.token("alice", name="Alice", attributes={"team": "red"}))
            assert alice.name == memory.name
            assert alice.connection_state == ConnectionState.CONN_CONNECTED
            assert alice.local_participant.name == "Alice"
            assert alice.local_participant.attributes == {"team": "red"}
            assert not alice.remote_participants

    async def test_abandoned_room_waits_20_seconds_for_its_participants(self, memory: MemoryRoom) -> None:
        sids: list[str] = []
        for absence in (19.0, 21.0, 0.0):
            async with Room() as alice:
                await alice.connect(memory.url, memory.token("alice"))
                sids.append(await alice.sid)
            await asyncio.sleep(absence)
        assert sids[0] == sids[1] != sids[2]

    async def test_rooms_without_departure_timeout_end_at_once(self, clock: VirtualClock) -> None:
        async with MemoryRoom(settings=RoomSettings(departure_timeout=0)) as memory:
            async with Room() as alice:
                await alice.connect(memory.url, memory.token("alice"))
            await asyncio.sleep(0.1)
            assert memory.rooms.rooms == []

    async def test_pair_lists_each_other(self, memory: MemoryRoom) -> None:
        alice, bob = await memory.pair()
        assert list(alice.remote_participants) == ["bob"]
        assert list(bob.remote_participants) == ["alice"]

    async def test_dual_peer_connections(self, memory: MemoryRoom) -> None:
        alice = await memory.join("alice", options=RoomOptions(single_peer_connection=False))
        await memory.stub("bob", {"ping": "pong"})
        assert await call(alice) == "pong"

    async def test_rooms_of_the_same_server_are_separate(self, memory: MemoryRoom) -> None:
        alice = await memory.join("alice")
        elsewhere = await memory.join("bob", room="elsewhere")
        assert elsewhere.name == "elsewhere"
        assert not alice.remote_participants

    async def test_an_invalid_token_is_refused(self, memory: MemoryRoom) -> None:
        token = memory.token("alice")
        for invalid in (token[:-4] + "AAAA", memory.token("alice", ttl=-3600), memory.token("alice", room_join=False)):
            with pytest.raises(AuthenticationError):
                await Room().connect(memory.url, invalid)

    async def test_a_full_room_refuses_a_join(self, clock: VirtualClock) -> None:
        async with MemoryRoom(settings=RoomSettings(max_participants=1)) as memory:
            await memory.join("alice")
            with pytest.raises(ConnectError, match="closed by media"):
                await memory.join("bob")

    async def test_a_garbage_collected_room_is_reported(self, clock: VirtualClock) -> None:
        memory = MemoryRoom()
        url, token = memory.url, memory.token("alice")
        del memory
        gc.collect()
        with pytest.raises(ConnectError, match="keep a reference to its MemoryRoom"):
            await Room().connect(url, token)

    async def test_an_unreachable_server_is_reported(self, memory: MemoryRoom) -> None:
        memory.reachable = False
        with pytest.raises(ServerUnreachableError):
            await memory.join("alice")
        memory.reachable = True
        await memory.join("alice")

    async def test_a_cancelled_join_can_be_repeated(self, memory: MemoryRoom) -> None:
        memory.faults = Faults(delay=1.0)
        for delay in (0.5, 2.5, 4.5):
            joining = asyncio.ensure_future(memory.join("alice"))
            await asyncio.sleep(delay)
            joining.cancel()
            with pytest.raises(asyncio.CancelledError):
                await joining
        memory.faults = Faults()
        await memory.join("alice")

    async def test_closing_disconnects_all_participants(self, clock: VirtualClock) -> None:
        async with MemoryRoom() as memory:
            alice = Room()
            await alice.connect(memory.url, memory.token("alice"))
            bob = await memory.join("bob")
        await asyncio.sleep(1)
        assert not alice.isconnected()
        assert not bob.isconnected()

    def test_a_closed_room_can_be_reopened_on_another_loop(self) -> None:
        memory = MemoryRoom()

        async def join_and_call() -> str:
            async with memory:
                alice, _ = await join_two(memory)
                return await call(alice)

        assert [asyncio.run(join_and_call()), asyncio.run(join_and_call())] == ["pong", "pong"]


class TestCalls:
    @pytest.mark.parametrize("size", [0, 1, 15_360, 15_361, 65_536, 262_144])
    async def test_payloads_arrive_unchanged(self, memory: MemoryRoom, size: int) -> None:
        alice, _ = await join_two(memory)
        payload = "".join(chr(33 + (number * 7919) % 90) for number in range(size))
        assert await call(alice, method="echo", payload=payload) == payload

    async def test_calls_in_both_directions_and_to_oneself(self, memory: MemoryRoom) -> None:
        alice, bob = await join_two(memory)
        alice.register_rpc_method("ping", lambda data: f"pong to {data.caller_identity}")
        assert await call(bob.room, "alice") == "pong to bob"
        assert await call(alice, "alice") == "pong to alice"

    async def test_an_unknown_recipient_fails_quickly(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        alice, _ = await join_two(memory)
        before = clock.elapsed
        with pytest.raises(RpcError) as error:
            await call(alice, "nobody")
        assert error.value.code == Code.RECIPIENT_NOT_FOUND
        assert clock.elapsed - before < 0.3

    async def test_the_response_timeout_takes_15_virtual_seconds(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        alice, bob = await join_two(memory)
        bob.answer("ping", "too late", delay=3600)
        before, real_before = clock.elapsed, time.monotonic()
        with pytest.raises(RpcError) as error:
            await call(alice)
        assert error.value.code == Code.RESPONSE_TIMEOUT
        assert clock.elapsed - before == pytest.approx(15, abs=0.001)
        assert time.monotonic() - real_before < 5

    async def test_joins_and_calls_take_no_virtual_time(self, memory: MemoryRoom) -> None:
        """Three participants and ten calls take fewer than 200 iterations of the event loop: some milliseconds."""
        loop = asyncio.get_running_loop()
        iterations = 0
        counting = True

        def count() -> None:
            nonlocal iterations
            iterations += 1
            if counting:
                loop.call_soon(count)

        loop.call_soon(count)
        started = loop.time()
        alice, _ = await join_two(memory)
        await memory.join("carol")
        for _ in range(10):
            assert await call(alice) == "pong"
        counting = False
        assert loop.time() == started
        assert iterations < 200

    async def test_a_thousand_concurrent_calls(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        alice, bob = await join_two(memory)
        answers = await asyncio.gather(*(call(alice, method="echo", payload=str(number)) for number in range(1000)))
        assert answers == [str(number) for number in range(1000)]
        assert len(bob.calls.received) == 1000

    async def test_a_long_payload_does_not_block_a_short_one(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        """260 KB, which deflate halves, take 2.6 s in each direction, without head-of-line blocking."""
        memory.faults = Faults(bandwidth=50_000)
        alice, _ = await join_two(memory)
        payload = Random(0).randbytes(130_000).hex()
        long = asyncio.ensure_future(call(alice, method="echo", payload=payload))
        await asyncio.sleep(0.1)
        before = clock.elapsed
        assert await call(alice) == "pong"
        assert clock.elapsed - before < 2.5
        assert not long.done()
        assert await long == payload


class TestPermissions:
    async def test_a_token_without_can_publish_data_forbids_calls(self, memory: MemoryRoom) -> None:
        await memory.stub("bob", {"ping": "pong"})
        muted = await memory.join("alice", can_publish_data=False)
        with pytest.raises(RpcError) as error:
            await call(muted)
        assert error.value.data == '{"reason":"cannot_publish_data"}'

    async def test_a_hidden_participant_is_not_listed(self, memory: MemoryRoom) -> None:
        alice, _ = await join_two(memory)
        await memory.join("ghost", hidden=True)
        await asyncio.sleep(1)
        assert list(alice.remote_participants) == ["bob"]

    async def test_permission_changes_reach_the_room(self, memory: MemoryRoom) -> None:
        alice, _ = await join_two(memory)
        memory.set_permission("bob", can_publish_data=False)
        await asyncio.sleep(0.1)
        assert not alice.remote_participants["bob"].permissions.can_publish_data
        memory.set_permission("bob", can_publish_data=True, hidden=True)
        carol = await memory.join("carol")
        assert set(carol.remote_participants) == {"alice"}
        assert set(alice.remote_participants) == {"bob", "carol"}

    async def test_an_injected_packet_arrives_unchecked(self, memory: MemoryRoom) -> None:
        """A server would not forward a packet with a forged sender."""
        _, bob = await join_two(memory)
        request = models.RpcRequest(id="forged", method="ping", response_timeout_ms=1000, version=1)
        memory.inject("bob", models.DataPacket(participant_identity="mallory", rpc_request=request))
        await asyncio.sleep(0.1)
        bob.calls.assert_received("ping", caller="mallory", times=1)

    async def test_an_unknown_identity_raises_key_error(self, memory: MemoryRoom) -> None:
        await memory.join("alice")
        for method in (memory.remove, memory.lose_signal, memory.lose_transport, memory.hold, memory.set_permission):
            with pytest.raises(KeyError):
                method("nobody")


class TestFaults:
    async def test_delay_applies_in_each_direction_of_each_link(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        alice, _ = await join_two(memory)
        memory.faults = Faults(delay=0.1)
        before = clock.elapsed
        assert await call(alice) == "pong"
        assert clock.elapsed - before == pytest.approx(0.4)

    async def test_faults_of_one_participant(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        alice, _ = await join_two(memory)
        memory.faults_of["bob"] = Faults(delay=0.1)
        before = clock.elapsed
        assert await call(alice) == "pong"
        assert clock.elapsed - before == pytest.approx(0.2)

    async def test_duplicate_packets_run_the_handler_once(self, memory: MemoryRoom) -> None:
        memory.faults = Faults(duplicate=1.0, delay=0.01, jitter=0.05)
        alice, bob = await join_two(memory)
        for number in range(20):
            assert await call(alice, method="echo", payload=str(number)) == str(number)
        bob.calls.assert_received("echo", times=20)

    async def test_signal_loss_leads_to_a_resume(self, memory: MemoryRoom) -> None:
        alice, _ = await join_two(memory)
        sid = alice.local_participant.sid
        memory.lose_signal("alice")
        assert await call(alice) == "pong"
        if alice.connection_state == ConnectionState.CONN_RECONNECTING:
            await wait_for_event(alice, "reconnected")
        assert alice.local_participant.sid == sid

    async def test_reconnecting_lasts_while_the_server_is_unreachable(self, memory: MemoryRoom) -> None:
        alice, _ = await join_two(memory)
        memory.reachable = False
        memory.lose_signal("alice")
        await wait_for_event(alice, "reconnecting")
        await asyncio.sleep(3)
        assert alice.connection_state == ConnectionState.CONN_RECONNECTING
        memory.reachable = True
        await wait_for_event(alice, "reconnected")
        assert await call(alice) == "pong"

    async def test_transport_loss_leads_to_a_full_reconnect(self, memory: MemoryRoom) -> None:
        alice, _ = await join_two(memory)
        sid = alice.local_participant.sid
        memory.lose_transport("alice")
        await wait_for_event(alice, "reconnected")
        assert alice.local_participant.sid != sid
        assert await call(alice) == "pong"

    async def test_hold_delays_packets_until_release(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        alice, _ = await join_two(memory)
        memory.hold("bob")
        asyncio.get_running_loop().call_later(3, memory.release, "bob")
        before = clock.elapsed
        assert await call(alice) == "pong"
        assert clock.elapsed - before == pytest.approx(3)

    async def test_a_long_hold_leads_to_a_reconnect(self, memory: MemoryRoom) -> None:
        """Both sides detect the hold by missing pings, and reconnect after the release."""
        alice, bob = await join_two(memory)
        memory.hold("bob")
        await wait_for_event(bob.room, "reconnecting")
        memory.release("bob")
        await wait_for_event(bob.room, "reconnected")
        assert await call(alice, timeout=10.0) == "pong"

    async def test_rooms_reconnect_after_a_server_restart(self, memory: MemoryRoom) -> None:
        alice, bob = await join_two(memory)
        sid = await alice.sid
        memory.restart(downtime=2.0)
        await asyncio.gather(wait_for_event(alice, "reconnected"), wait_for_event(bob.room, "reconnected"))
        assert await alice.sid != sid
        assert await call(alice) == "pong"

    async def test_shut_down_disconnects_with_server_shutdown(self, memory: MemoryRoom) -> None:
        alice, _ = await join_two(memory)
        memory.shut_down()
        await wait_for_event(alice, "disconnected")
        assert alice.local_participant.disconnect_reason == DisconnectReason.SERVER_SHUTDOWN

    async def test_removing_a_participant_fails_its_pending_calls(self, memory: MemoryRoom) -> None:
        alice, bob = await join_two(memory)
        bob.answer("ping", "never", delay=3600)
        pending = asyncio.ensure_future(call(alice))
        await asyncio.sleep(1)
        memory.remove("bob")
        with pytest.raises(RpcError) as error:
            await pending
        assert error.value.code == Code.RECIPIENT_DISCONNECTED
        await asyncio.sleep(1)
        assert bob.room.local_participant.disconnect_reason == DisconnectReason.PARTICIPANT_REMOVED

    async def test_packets_wait_for_a_slow_connection_setup(self, memory: MemoryRoom, clock: VirtualClock) -> None:
        """A participant is listed before it can receive; its packets are queued until then."""
        alice = await memory.join("alice")
        memory.faults_of["bob"] = Faults(setup=1.0)
        joining = asyncio.ensure_future(memory.stub("bob", {"ping": "pong"}))
        await memory.wait_for(alice, "bob")
        before = clock.elapsed
        assert await call(alice) == "pong"
        assert clock.elapsed - before == pytest.approx(1.0, abs=0.01)
        await joining


class TestLateAnnouncements:
    """LiveKit's server announces participants without published media late."""

    async def test_joins_are_announced_late(self, clock: VirtualClock) -> None:
        async with MemoryRoom(announces_joins=False) as memory:
            alice = await memory.join("alice")
            await memory.join("bob")
            assert not alice.remote_participants
            before = clock.elapsed
            await memory.wait_for(alice, "bob")
            assert clock.elapsed - before <= 3.0

    async def test_earlier_participants_are_listed_at_once(self, clock: VirtualClock) -> None:
        async with MemoryRoom(announces_joins=False) as memory:
            await memory.join("alice")
            assert list((await memory.join("bob")).remote_participants) == ["alice"]

    async def test_calls_reach_an_unannounced_participant(self, clock: VirtualClock) -> None:
        async with MemoryRoom(announces_joins=False) as memory:
            alice = await memory.join("alice")
            await memory.stub("bob", {"ping": "pong"})
            assert await call(alice) == "pong"

    async def test_an_unknown_recipient_fails_after_the_announcement_delay(self, clock: VirtualClock) -> None:
        async with MemoryRoom(announces_joins=False) as memory:
            alice = await memory.join("alice")
            before = clock.elapsed
            with pytest.raises(RpcError) as error:
                await call(alice, "nobody")
            assert error.value.code == Code.RECIPIENT_NOT_FOUND
            assert 3.0 < clock.elapsed - before < 4.0

    async def test_permission_changes_are_announced_at_once(self, clock: VirtualClock) -> None:
        async with MemoryRoom(announces_joins=False) as memory:
            alice, _ = await join_two(memory)
            await memory.wait_for(alice, "bob")
            await asyncio.sleep(3)
            memory.set_permission("bob", can_publish_data=False)
            await asyncio.sleep(0.01)
            assert not alice.remote_participants["bob"].permissions.can_publish_data

    async def test_leaves_are_announced_late(self, clock: VirtualClock) -> None:
        async with MemoryRoom(announces_joins=False) as memory:
            alice, bob = await memory.pair()
            await asyncio.sleep(3)
            await bob.disconnect()
            await asyncio.sleep(0.01)
            assert list(alice.remote_participants) == ["bob"]
            await asyncio.sleep(3)
            assert not alice.remote_participants

    async def test_a_resume_keeps_late_announcements(self, clock: VirtualClock) -> None:
        async with MemoryRoom(announces_joins=False) as memory:
            alice, _ = await join_two(memory)
            memory.lose_signal("alice")
            await wait_for_event(alice, "reconnected")
            await memory.wait_for(alice, "bob")
            assert await call(alice) == "pong"
