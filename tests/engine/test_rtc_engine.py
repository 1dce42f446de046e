"""Engines against the dev server, with one peer connection and with two."""

from __future__ import annotations

import asyncio

import pytest

from livekit.engine import EngineState
from livekit.engine.interfaces import SendOptions
from livekit.engine.packet_channel import MAX_PACKET_SIZE
from livekit.engine.sequencer import MAX_SEQUENCE_SIZE
from livekit.errors import PacketTooLargeError, SessionClosedError
from livekit.options import RoomOptions
from livekit.protocol import models, rtc
from livekit.testing import TokenServer
from tests.engine.conftest import Join
from tests.engine.recording_listener import TIMEOUT, RecordingListener, packet

CONNECTING, CONNECTED, DISCONNECTED = EngineState.CONNECTING, EngineState.CONNECTED, EngineState.DISCONNECTED


async def test_join_response_has_room_and_participant(join: Join, room_name: str) -> None:
    alice = await join("alice")
    response, rejoined = alice.joins[0]
    assert (response.room.name, response.participant.identity, rejoined) == (room_name, "alice", False)
    assert alice.states == [CONNECTING, CONNECTED]
    assert alice.engine.state is CONNECTED


async def test_packets_pass_in_both_directions_on_both_channels(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    for reliable in (True, False):
        alice.send(b"to bob %d" % reliable, "bob", reliable=reliable)
        bob.send(b"to alice %d" % reliable, "alice", reliable=reliable)
        await bob.until_received(b"to bob %d" % reliable)
        await alice.until_received(b"to alice %d" % reliable)


async def test_packets_arrive_in_order(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    wanted = [b"%d" % number for number in range(600)]
    for payload in wanted:
        alice.send(payload, "bob")
    await bob.until(lambda: len(bob.packets) == len(wanted))
    assert bob.packets == wanted


async def test_single_packet_overtakes_a_long_stream(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    delivered = asyncio.Event()
    chunks = (packet(b"chunk %d".ljust(15_000) % number, "bob") for number in range(100))
    alice.engine.send_packets(chunks, SendOptions(on_delivered=delivered.set))
    alice.send(b"between", "bob")
    await asyncio.wait_for(delivered.wait(), TIMEOUT)
    await bob.until(lambda: len(bob.packets) == 101)
    assert bob.packets.index(b"between") < 20


async def test_packet_over_the_limit_raises_and_later_ones_arrive(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    with pytest.raises(PacketTooLargeError, match="data stream"):
        alice.send(b"x" * MAX_PACKET_SIZE, "bob")
    overhead = packet(b"x" * 60_000, "bob").ByteSize() - 60_000
    longest = b"x" * (MAX_PACKET_SIZE - MAX_SEQUENCE_SIZE - overhead)
    alice.send(longest, "bob")
    await bob.until_received(longest)


async def test_signal_is_sent_and_answered(join: Join) -> None:
    alice = await join("alice", can_update_own_metadata=True)
    request = rtc.UpdateParticipantMetadata(metadata="new", request_id=7)
    alice.engine.send_signal(rtc.SignalRequest(update_metadata=request))
    await alice.until(lambda: "update" in alice.signals)


async def test_refreshed_token_is_kept(join: Join) -> None:
    alice = await join("alice", ttl=60.0)
    await alice.until(lambda: "refresh_token" in alice.signals)
    assert alice.engine.token != alice.token


async def test_round_trip_time_is_measured(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    alice.send(b"hi", "bob")
    await bob.until_received(b"hi")
    await alice.until(lambda: alice.engine.round_trip_time is not None)
    assert 0 <= (alice.engine.round_trip_time or 0) < 5


async def test_packets_sent_before_connect_are_queued(
    join: Join, server: TokenServer, room_name: str, options: RoomOptions
) -> None:
    bob = await join("bob")
    alice = RecordingListener(server.url, server.token("alice", room=room_name), options)
    alice.send(b"early", "bob")
    await alice.engine.connect()
    await bob.until_received(b"early")
    await alice.engine.close()


async def test_close_leaves_and_is_final(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    started = asyncio.get_running_loop().time()
    await alice.engine.close()
    assert asyncio.get_running_loop().time() - started < 5
    assert (alice.states[-1], alice.reason) == (DISCONNECTED, models.DisconnectReason.CLIENT_INITIATED)
    await alice.engine.close()
    assert alice.states.count(DISCONNECTED) == 1
    with pytest.raises(SessionClosedError):
        alice.send(b"late", "bob")
    with pytest.raises(SessionClosedError):
        alice.engine.send_signal(rtc.SignalRequest())
    await bob.until(lambda: "update" in bob.signals)


async def test_second_participant_of_the_same_identity_disconnects_the_first(join: Join) -> None:
    first = await join("alice")
    second = await join("alice")
    await first.until_state(DISCONNECTED)
    assert first.reason == models.DisconnectReason.DUPLICATE_IDENTITY
    assert second.engine.state is CONNECTED


async def test_raising_listener_does_not_stop_packets(join: Join, caplog: pytest.LogCaptureFixture) -> None:
    alice, bob = await join("alice"), await join("bob")
    bob.fails_at = b"bad"
    for payload in (b"bad", b"good"):
        alice.send(payload, "bob")
    await bob.until_received(b"good")
    assert "a mistake of the application" in caplog.text
