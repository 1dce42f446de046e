"""Participants, listed, updated, moved and removed with `livekit-api`, and data sent to them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from livekit import DataPacket, DataPacketKind, DisconnectReason, Room, rtc
from livekit.api import LiveKitAPI
from livekit.protocol import models
from livekit.protocol import room as room_pb
from livekit.server import limits
from livekit.testing import RunningServer
from tests.support.backend import Backend, ServerError, refusal
from tests.support.rooms import ANNOUNCED_WITHIN, Join, listed, once

embedded_only = pytest.mark.skipif(RunningServer.from_environment() is not None, reason="other servers differ in this")

NOBODY = (404, "not_found", "participant does not exist")


def person(room: str, identity: str) -> room_pb.RoomParticipantIdentity:
    return room_pb.RoomParticipantIdentity(room=room, identity=identity)


async def test_list_and_get_participants(lk: LiveKitAPI, join: Join, room_name: str) -> None:
    request = room_pb.ListParticipantsRequest(room=room_name)
    assert list((await lk.room.list_participants(request)).participants) == []
    alice = await join("alice", name="Alice", metadata="m", attributes={"a": "1"})
    await join("ghost", hidden=True)
    found = {info.identity: info for info in (await lk.room.list_participants(request)).participants}
    assert set(found) == {"alice", "ghost"}, "hidden ones are shown to administrators"
    assert found["ghost"].permission.hidden
    info = await lk.room.get_participant(person(room_name, "alice"))
    assert (info.sid, info.name, info.metadata) == (alice.local_participant.sid, "Alice", "m")
    assert (dict(info.attributes), info.state) == ({"a": "1"}, models.ParticipantInfo.ACTIVE)


@pytest.mark.parametrize("method", ["get_participant", "remove_participant"])
async def test_missing_participant(lk: LiveKitAPI, join: Join, room_name: str, method: str) -> None:
    for _ in range(2):  # without the room, and with it
        with pytest.raises(ServerError) as refused:
            await getattr(lk.room, method)(person(room_name, "nobody"))
        assert refusal(refused.value) == NOBODY
        await join("alice")


async def test_removed_participant_is_notified(lk: LiveKitAPI, join: Join, room_name: str) -> None:
    alice, bob = await join("alice"), await join("bob")
    await listed(alice, "bob")
    ended, left = once(bob, "disconnected"), once(alice, "participant_disconnected")
    await lk.room.remove_participant(person(room_name, "bob"))
    assert await ended == (DisconnectReason.PARTICIPANT_REMOVED,)
    assert (await left)[0].identity == "bob"
    with pytest.raises(ServerError) as refused:
        await lk.room.get_participant(person(room_name, "bob"))
    assert refusal(refused.value) == NOBODY


async def test_updates_are_announced_to_all_participants(lk: LiveKitAPI, join: Join, room_name: str) -> None:
    alice, bob = await join("alice"), await join("bob", attributes={"old": "1", "kept": "2"})
    seen = await listed(alice, "bob")
    events = [once(room, "participant_attributes_changed") for room in (alice, bob)]
    refreshed = once(bob, "token_refreshed")
    request = room_pb.UpdateParticipantRequest(
        room=room_name, identity="bob", name="Bob", metadata="m", attributes={"old": "", "new": "3"}
    )
    info = await lk.room.update_participant(request)
    assert (info.name, info.metadata, dict(info.attributes)) == ("Bob", "m", {"kept": "2", "new": "3"})
    await asyncio.gather(*events, refreshed)
    for updated in (seen, bob.local_participant):
        assert (updated.name, updated.metadata, updated.attributes) == ("Bob", "m", {"kept": "2", "new": "3"})


async def test_permissions_apply_immediately(lk: LiveKitAPI, join: Join, room_name: str) -> None:
    alice, bob = await join("alice"), await join("bob")
    await listed(alice, "bob")
    changed, refreshed = once(bob, "participant_permissions_changed"), once(bob, "token_refreshed")
    permission = models.ParticipantPermission(can_subscribe=True, can_publish_data=False)
    request = room_pb.UpdateParticipantRequest(room=room_name, identity="bob", permission=permission)
    assert (await lk.room.update_participant(request)).permission == permission
    await asyncio.gather(changed, refreshed)
    permissions = bob.local_participant.permissions
    assert permissions is not None
    assert not permissions.can_publish_data


@embedded_only
async def test_participant_that_becomes_hidden_is_hidden_from_newcomers(
    lk: LiveKitAPI, join: Join, room_name: str
) -> None:
    alice, _ = await join("alice"), await join("bob")
    await listed(alice, "bob")
    permission = models.ParticipantPermission(can_publish_data=True, hidden=True)
    request = room_pb.UpdateParticipantRequest(room=room_name, identity="bob", permission=permission)
    await lk.room.update_participant(request)
    carol = await join("carol")
    await listed(carol, "alice")
    assert "bob" not in carol.remote_participants
    assert "bob" in alice.remote_participants
    announced = once(carol, "participant_connected")
    request.permission.hidden = False
    await lk.room.update_participant(request)
    assert (await announced)[0].identity == "bob"


@embedded_only
async def test_unknown_track_sources_permit_unknown_tracks_only(lk: LiveKitAPI, join: Join, room_name: str) -> None:
    await join("bob")
    permission = models.ParticipantPermission.FromString(b"\x4a\x03\x02\xe7\x07")  # can_publish_sources: 2 and 999
    assert list(permission.can_publish_sources) == [models.MICROPHONE, 999]
    request = room_pb.UpdateParticipantRequest(room=room_name, identity="bob", permission=permission)
    info = await lk.room.update_participant(request)
    assert list(info.permission.can_publish_sources) == [models.MICROPHONE, models.TrackSource.UNKNOWN]


@embedded_only
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "é" * 129}, "name length exceeds limits 256"),
        ({"metadata": "x" * (limits.MAX_METADATA + 1)}, f"metadata size exceeds limits {limits.MAX_METADATA}"),
        (
            {"attributes": {"b": "x" * limits.MAX_ATTRIBUTES}},
            f"attribute size exceeds limits {limits.MAX_ATTRIBUTES}",
        ),
    ],
    ids=["name", "metadata", "attributes"],
)
async def test_updates_over_a_limit_are_rejected(
    lk: LiveKitAPI, join: Join, room_name: str, change: dict[str, Any], message: str
) -> None:
    await join("bob", attributes={"a": "1"})
    with pytest.raises(ServerError) as refused:
        await lk.room.update_participant(room_pb.UpdateParticipantRequest(room=room_name, identity="bob", **change))
    assert refusal(refused.value) == (400, "invalid_argument", message)
    assert (await lk.room.get_participant(person(room_name, "bob"))).attributes == {"a": "1"}


@embedded_only
async def test_track_methods_without_tracks(lk: LiveKitAPI, backend: Backend, join: Join, room_name: str) -> None:
    """There are no media tracks to mute, subscribe to or forward"""
    await join("bob")
    mute = room_pb.MuteRoomTrackRequest(room=room_name, identity="bob", track_sid="TR_x", muted=True)
    assert not (await lk.room.mute_published_track(mute)).HasField("track")
    mute.muted = False
    with pytest.raises(ServerError) as refused:
        await lk.room.mute_published_track(mute)
    assert refusal(refused.value) == (412, "failed_precondition", "remote unmute not enabled")
    await lk.room.update_subscriptions(
        room_pb.UpdateSubscriptionsRequest(room=room_name, identity="bob", track_sids=["TR_x"], subscribe=True)
    )
    with pytest.raises(ServerError) as refused:
        await lk.room.forward_participant(
            room_pb.ForwardParticipantRequest(room=room_name, identity="bob", destination_room="other")
        )
    assert refusal(refused.value)[:2] == (501, "unimplemented")


@embedded_only
async def test_moved_participant_leaves_and_joins(lk: LiveKitAPI, join: Join, room_name: str) -> None:
    elsewhere = room_name + "-b"
    alice, bob, carol = await join("alice"), await join("bob"), await join("carol", room=elsewhere)
    await listed(alice, "bob")
    left, moved, joined = (
        once(alice, "participant_disconnected"),
        once(bob, "moved"),
        once(carol, "participant_connected"),
    )
    old_sid = bob.local_participant.sid
    await lk.room.move_participant(
        room_pb.MoveParticipantRequest(room=room_name, identity="bob", destination_room=elsewhere)
    )
    assert [(await event)[0].identity for event in (left, joined)] == ["bob", "bob"]
    await moved
    assert (bob.name, list(bob.remote_participants)) == (elsewhere, ["carol"])
    assert bob.local_participant.sid != old_sid
    received = once(carol, "data_received")
    await bob.local_participant.publish_data(b"hello", destination_identities=["carol", "alice"])
    assert (await received)[0].participant.identity == "bob"
    found = await lk.room.list_participants(room_pb.ListParticipantsRequest(room=elsewhere))
    assert {info.identity for info in found.participants} == {"bob", "carol"}
    reconnected = once(bob, "reconnected")
    await bob.simulate_scenario(rtc.SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT)
    await reconnected
    assert bob.name == elsewhere


async def test_move_missing_participant(lk: LiveKitAPI, room_name: str) -> None:
    with pytest.raises(ServerError) as refused:
        await lk.room.move_participant(
            room_pb.MoveParticipantRequest(room=room_name, identity="nobody", destination_room="other")
        )
    assert refused.value.status in (404, 503)


async def received_by(room: Room) -> asyncio.Queue[DataPacket]:
    packets: asyncio.Queue[DataPacket] = asyncio.Queue()
    room.on("data_received", packets.put_nowait)
    return packets


@pytest.mark.parametrize("reliable", [True, False], ids=["reliable", "lossy"])
async def test_data_to_all_participants(lk: LiveKitAPI, join: Join, room_name: str, reliable: bool) -> None:
    kind = models.DataPacket.RELIABLE if reliable else models.DataPacket.LOSSY
    rooms = [await join("alice"), await join("bob")]
    received = [once(room, "data_received") for room in rooms]
    await lk.room.send_data(room_pb.SendDataRequest(room=room_name, data=b"\x00hi", kind=kind, topic="news"))
    for (packet,) in await asyncio.gather(*received):
        assert (packet.data, packet.topic, packet.participant) == (b"\x00hi", "news", None)
        assert packet.kind == (DataPacketKind.KIND_RELIABLE if reliable else DataPacketKind.KIND_LOSSY)


@pytest.mark.parametrize("size", [65_536, 200_000, 262_000])
async def test_data_over_64_kib(lk: LiveKitAPI, join: Join, room_name: str, size: int) -> None:
    received = once(await join("alice"), "data_received")
    await lk.room.send_data(room_pb.SendDataRequest(room=room_name, data=bytes(size)))
    (packet,) = await received
    assert packet.data == bytes(size)


async def test_data_to_selected_participants(lk: LiveKitAPI, join: Join, room_name: str) -> None:
    alice, bob, carol = await join("alice"), await join("bob"), await join("carol")
    packets = [await received_by(room) for room in (alice, bob, carol)]
    await lk.room.send_data(room_pb.SendDataRequest(room=room_name, data=b"1", destination_identities=["alice"]))
    sids = [bob.local_participant.sid]
    await lk.room.send_data(room_pb.SendDataRequest(room=room_name, data=b"2", destination_sids=sids))
    await lk.room.send_data(room_pb.SendDataRequest(room=room_name, data=b"3"))
    got = [[(await asyncio.wait_for(queue.get(), ANNOUNCED_WITHIN)).data] for queue in packets]
    assert got == [[b"1"], [b"2"], [b"3"]]
    assert [(await asyncio.wait_for(queue.get(), ANNOUNCED_WITHIN)).data for queue in packets[:2]] == [b"3", b"3"]


async def test_data_is_deduplicated_by_nonce(lk: LiveKitAPI, backend: Backend, join: Join, room_name: str) -> None:
    packets = await received_by(await join("alice"))
    token = backend.token(room_admin=True, room=room_name)
    nonce = bytes(range(16))  # `livekit-api` makes one of its own for each call
    for data in (b"first", b"again"):
        request = room_pb.SendDataRequest(room=room_name, data=data, nonce=nonce)
        await backend.call("SendData", request, room_pb.SendDataResponse, token)
    await lk.room.send_data(room_pb.SendDataRequest(room=room_name, data=b"last"))
    assert [(await asyncio.wait_for(packets.get(), ANNOUNCED_WITHIN)).data for _ in range(2)] == [b"first", b"last"]


@embedded_only
@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (
            {"nonce": b"123"},
            (400, "invalid_argument", "nonce should be 16-bytes or not present, got: 3 bytes"),
        ),
        ({"data": bytes(limits.MAX_SENT_DATA)}, (400, "invalid_argument", "a packet of 262152 bytes, 262144 allowed")),
    ],
    ids=["nonce", "size"],
)
async def test_rejected_data(
    backend: Backend, join: Join, room_name: str, request_: dict[str, Any], answer: tuple[int, str, str]
) -> None:
    await join("alice")
    token = backend.token(room_admin=True, room=room_name)
    with pytest.raises(ServerError) as refused:
        await backend.call(
            "SendData", room_pb.SendDataRequest(room=room_name, **request_), room_pb.SendDataResponse, token
        )
    assert refusal(refused.value) == answer


async def test_data_to_a_missing_room(lk: LiveKitAPI, room_name: str) -> None:
    with pytest.raises(ServerError) as refused:
        await lk.room.send_data(room_pb.SendDataRequest(room=room_name, data=b"x"))
    assert refused.value.status in (404, 503)
