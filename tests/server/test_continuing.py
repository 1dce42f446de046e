"""Who reconnects in full and names its last sid goes on where it stopped: nothing is lost, nothing comes twice."""

from __future__ import annotations

import pytest

from livekit.protocol import rtc
from livekit.server.responses import DisconnectReason
from livekit.server.room_manager import RoomManager, StaleReconnectError
from tests.server.recording_link import Member, RecordingLink, grants, join, make_rooms, parameters, user_packet


def rejoin(rooms: RoomManager, who: str, last_sid: str, *, active: bool = True) -> Member:
    link = RecordingLink()
    room, participant = rooms.join(grants(who), parameters(sid=last_sid), link, 0.0)
    if active:
        room.activate(participant, 0.0)
    return Member(room, participant, link)


def has(member: Member, **last: int) -> None:
    """Tell the server what `member` has: the last sequence of each sender sid."""
    states = [rtc.DataChannelReceiveState(publisher_sid=sid, last_seq=number) for sid, number in last.items()]
    member.request(rtc.SignalRequest(sync_state=rtc.SyncState(datachannel_receive_states=states)))


def test_what_the_server_had_already_is_not_taken_again() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    for number in (1, 2):
        alice.send(user_packet(b"%d" % number, sequence=number))
    again = rejoin(rooms, "alice", alice.sid)
    for number in (2, 3):
        again.send(user_packet(b"%d" % number, sequence=number))
    assert bob.payloads() == [b"1", b"2", b"3"]


def test_what_the_participant_lacks_is_sent_once_it_has_told_what_it_has() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    for number in (1, 2, 3):
        alice.send(user_packet(b"%d" % number, sequence=number))
    again = rejoin(rooms, "bob", bob.sid)
    alice.send(user_packet(b"4", sequence=4))
    assert again.payloads() == []
    has(again, **{alice.sid: 1})
    assert again.payloads() == [b"2", b"3", b"4"]
    alice.send(user_packet(b"5", sequence=5))
    assert again.payloads() == [b"5"]


def test_what_waits_for_a_transport_waits_on() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob", active=False)
    alice.send(user_packet(b"1", sequence=1))
    again = rejoin(rooms, "bob", bob.sid, active=False)
    has(again)
    assert again.payloads() == []
    again.room.activate(again.participant, 0.0)
    assert again.payloads() == [b"1"]


def test_a_client_that_never_learnt_of_its_last_admission_goes_on_all_the_same() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.send(user_packet(b"1", sequence=1))
    rejoin(rooms, "bob", bob.sid, active=False)
    third = rejoin(rooms, "bob", bob.sid)
    has(third)
    assert third.payloads() == [b"1"]


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_an_attempt_that_comes_late_does_not_take_the_place_of_a_later_one(is_forgotten: bool) -> None:
    rooms = make_rooms()
    join(rooms, "alice")
    bob = join(rooms, "bob")
    if is_forgotten:
        bob.room.remove(bob.participant, DisconnectReason.CONNECTION_TIMEOUT, 0.0)
    again = rejoin(rooms, "bob", bob.sid)
    with pytest.raises(StaleReconnectError):
        rejoin(rooms, "bob", bob.sid)
    assert again.is_in_room()
    assert rejoin(rooms, "bob", again.sid).is_in_room()


@pytest.mark.parametrize("last_sid", ["", "PA_other"])
def test_anybody_else_begins_anew(last_sid: str) -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.send(user_packet(b"1", "bob", sequence=1))
    bob.send(user_packet(b"2", "alice", sequence=7))
    alice.received()
    again = rejoin(rooms, "bob", last_sid)
    again.send(user_packet(b"3", "alice", sequence=1))
    assert (again.payloads(), alice.payloads()) == ([], [b"3"])


def test_the_others_learn_of_the_new_sid_alone() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.updates()
    again = rejoin(rooms, "bob", bob.sid)
    assert {sid for sid, _ in alice.updates()} == {again.sid}


def test_one_that_loses_its_signal_before_it_is_up_again_may_try_once_more() -> None:
    rooms = make_rooms()
    again = rejoin(rooms, "bob", join(rooms, "bob").sid, active=False)
    again.participant.signal_lost_at = 1.0
    again.room.tick(2.0)
    assert again.is_in_room()
