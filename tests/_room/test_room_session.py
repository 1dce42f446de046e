"""Signals of the server, and the events that they cause."""

from __future__ import annotations

import pytest

from livekit import ConnectionQuality
from livekit.protocol import models, rtc
from livekit.testing import RoomEnvironment

pytestmark = pytest.mark.parametrize("environment", ["memory"], indirect=True)


async def test_room_moved_replaces_room_and_participants(environment: RoomEnvironment) -> None:
    alice, _ = await environment.pair()
    session = alice._session
    assert session is not None
    events = alice.events("participant_disconnected", "participant_connected", "moved")
    me = models.ParticipantInfo(identity="alice", sid="PA_moved")
    carol = models.ParticipantInfo(identity="carol", sid="PA_carol")
    moved = rtc.RoomMovedResponse(room=models.Room(name="elsewhere", sid="RM_2"), token="new", participant=me)
    moved.other_participants.append(carol)
    session.on_signal(rtc.SignalResponse(room_moved=moved))
    events.close()
    assert [event.name async for event in events] == ["participant_disconnected", "participant_connected", "moved"]
    assert (alice.name, await alice.sid, alice.local_participant.sid) == ("elsewhere", "RM_2", "PA_moved")
    assert set(alice.remote_participants) == {"carol"}


async def test_room_update_and_connection_quality_are_emitted(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    session = alice._session
    assert session is not None
    events = alice.events("room_metadata_changed", "room_updated", "connection_quality_changed")
    update = models.Room(metadata="new", active_recording=True, num_participants=7)
    session.on_signal(rtc.SignalResponse(room_update=rtc.RoomUpdate(room=update)))
    quality = rtc.ConnectionQualityUpdate()
    quality.updates.add(participant_sid=bob.local_participant.sid, quality=models.ConnectionQuality.EXCELLENT)
    quality.updates.add(participant_sid="PA_nobody", quality=models.ConnectionQuality.POOR)
    session.on_signal(rtc.SignalResponse(connection_quality=quality))
    events.close()
    received = [(event.name, event.args) async for event in events]
    remote = alice.remote_participants["bob"]
    assert received == [
        ("room_metadata_changed", ("", "new")),
        ("room_updated", ()),
        ("connection_quality_changed", (remote, ConnectionQuality.QUALITY_EXCELLENT)),
    ]
    assert alice.is_recording
    assert alice.num_participants == 7
