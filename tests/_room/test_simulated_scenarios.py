"""Simulated connection failures, and connection statistics."""

from __future__ import annotations

import pytest

from livekit import Room, SimulateScenarioKind
from livekit.testing import RoomEnvironment
from tests.support.mailbox import Mailbox, next_args

Kind = SimulateScenarioKind


@pytest.mark.parametrize("full", [False, True])
async def test_data_sent_while_reconnecting_arrives(environment: RoomEnvironment, full: bool) -> None:
    alice, bob = await environment.pair()
    sid = alice.local_participant.sid
    inbox: Mailbox[bytes] = Mailbox()
    bob.on("data_received", lambda packet: inbox.put(packet.data))
    events = alice.events("reconnecting", "reconnected")
    await alice.simulate_scenario(Kind.SIMULATE_FULL_RECONNECT if full else Kind.SIMULATE_SIGNAL_RECONNECT)
    await alice.local_participant.publish_data("through")
    assert [await next_args(events), await next_args(events)] == [(), ()]
    assert (alice.local_participant.sid != sid) is full
    assert await inbox.get() == b"through"


async def test_unsupported_scenarios_and_disconnected_rooms_raise(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    with pytest.raises(RuntimeError, match="SIMULATE_FORCE_TCP"):
        await alice.simulate_scenario(Kind.SIMULATE_FORCE_TCP)
    await alice.disconnect()
    with pytest.raises(RuntimeError, match="connected"):
        await alice.simulate_scenario(Kind.SIMULATE_SPEAKER)
    with pytest.raises(RuntimeError, match="connected"):
        await alice.get_rtc_stats()
    with pytest.raises(RuntimeError):
        await Room().get_rtc_stats()


async def test_statistics_count_messages_and_bytes(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    inbox: Mailbox[bytes] = Mailbox()
    bob.on("data_received", lambda packet: inbox.put(packet.data))
    await alice.local_participant.publish_data(bytes(1_000))
    await inbox.get()
    stats = {s.data_channel.dc.label: s.data_channel.dc for s in (await alice.get_rtc_stats()).publisher_stats}
    assert stats["_reliable"].messages_sent == 1
    assert stats["_reliable"].bytes_sent > 1_000
    received = {s.data_channel.dc.label: s.data_channel.dc for s in (await bob.get_rtc_stats()).publisher_stats}
    assert received["_reliable"].messages_received == 1
    pair = (await bob.get_rtc_stats()).publisher_stats[-1].candidate_pair.candidate_pair
    assert pair.nominated
    assert pair.current_round_trip_time >= 0


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        (Kind.SIMULATE_NODE_FAILURE, ["reconnecting", "reconnected"]),
        (Kind.SIMULATE_MIGRATION, ["reconnecting", "reconnected"]),
        (Kind.SIMULATE_DISCONNECT_SIGNAL_ON_RESUME, ["reconnecting", "reconnected"]),
        (Kind.SIMULATE_SERVER_LEAVE, ["disconnected"]),
    ],
)
async def test_server_simulates_the_scenario(
    environment: RoomEnvironment, scenario: SimulateScenarioKind.ValueType, expected: list[str]
) -> None:
    alice = await environment.join("alice")
    events = alice.events("reconnecting", "reconnected", "disconnected")
    await alice.simulate_scenario(scenario)
    assert [(await anext(events)).name for _ in expected] == expected
