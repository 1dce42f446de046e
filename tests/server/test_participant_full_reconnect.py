"""A full reconnect with the previous sid continues without lost and without duplicate packets."""

from __future__ import annotations

import pytest

from livekit.protocol import rtc
from livekit.server.responses import DisconnectReason
from livekit.server.room_manager import RoomManager, StaleReconnectError
from tests.server.recording_link import Member, RecordingLink, grants, join, make_rooms, parameters, user_packet


def rejoin(rooms: RoomManager, who: str, previous_sid: str, *, active: bool = True) -> Member:
    link = RecordingLink()
    room, participant = rooms.join(grants(who), parameters(sid=previous_sid), link, 0.0)
    if active:
        room.activate(participant, 0.0)
    return Member(room, participant, link)


def send_sync_state(member: Member, **last: int) -> None:
    """Report the last sequence number that `member` has of each sender sid."""
    states = [rtc.DataChannelReceiveState(publisher_sid=sid, last_seq=number) for sid, number in last.items()]
    member.request(rtc.SignalRequest(sync_state=rtc.SyncState(datachannel_receive_states=states)))


def test_received_packets_are_not_accepted_again() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    for number in (1, 2):
        alice.send(user_packet(b"%d" % number, sequence=number))
    again = rejoin(rooms, "alice", alice.sid)
    for number in (2, 3):
        again.send(user_packet(b"%d" % number, sequence=number))
    assert bob.payloads() == [b"1", b"2", b"3"]


def test_missing_packets_are_sent_after_sync_state() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    for number in (1, 2, 3):
        alice.send(user_packet(b"%d" % number, sequence=number))
    again = rejoin(rooms, "bob", bob.sid)
    alice.send(user_packet(b"4", sequence=4))
    assert again.payloads() == []
    send_sync_state(again, **{alice.sid: 1})
    assert again.payloads() == [b"2", b"3", b"4"]
    alice.send(user_packet(b"5", sequence=5))
    assert again.payloads() == [b"5"]


def test_waiting_packets_are_inherited() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob", active=False)
    alice.send(user_packet(b"1", sequence=1))
    again = rejoin(rooms, "bob", bob.sid, active=False)
    send_sync_state(again)
    assert again.payloads() == []
    again.room.activate(again.participant, 0.0)
    assert again.payloads() == [b"1"]


def test_retry_after_lost_join_response_inherits_packets() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.send(user_packet(b"1", sequence=1))
    rejoin(rooms, "bob", bob.sid, active=False)
    third = rejoin(rooms, "bob", bob.sid)
    send_sync_state(third)
    assert third.payloads() == [b"1"]


@pytest.mark.parametrize("is_removed", [False, True])
def test_late_attempt_does_not_replace_later_one(is_removed: bool) -> None:
    rooms = make_rooms()
    join(rooms, "alice")
    bob = join(rooms, "bob")
    if is_removed:
        bob.room.remove(bob.participant, DisconnectReason.CONNECTION_TIMEOUT, 0.0)
    again = rejoin(rooms, "bob", bob.sid)
    with pytest.raises(StaleReconnectError):
        rejoin(rooms, "bob", bob.sid)
    assert again.is_in_room()
    assert rejoin(rooms, "bob", again.sid).is_in_room()


@pytest.mark.parametrize("previous_sid", ["", "PA_other"])
def test_join_with_other_sid_inherits_nothing(previous_sid: str) -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.send(user_packet(b"1", "bob", sequence=1))
    bob.send(user_packet(b"2", "alice", sequence=7))
    alice.received()
    again = rejoin(rooms, "bob", previous_sid)
    again.send(user_packet(b"3", "alice", sequence=1))
    assert (again.payloads(), alice.payloads()) == ([], [b"3"])


def test_others_receive_only_new_sid() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.updates()
    again = rejoin(rooms, "bob", bob.sid)
    assert {sid for sid, _ in alice.updates()} == {again.sid}


def test_signal_lost_while_reconnecting_may_retry() -> None:
    rooms = make_rooms()
    again = rejoin(rooms, "bob", join(rooms, "bob").sid, active=False)
    again.participant.signal_lost_at = 1.0
    again.room.tick(2.0)
    assert again.is_in_room()
