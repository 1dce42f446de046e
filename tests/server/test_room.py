"""Participants of a room, and the updates that they receive."""

from __future__ import annotations

from dataclasses import replace

import pytest

from livekit.protocol import models, rtc
from livekit.rpc.wire import SERVER_ANNOUNCES_JOINS
from livekit.server import limits
from livekit.server.responses import COMPATIBLE_VERSION, DisconnectReason
from livekit.server.room_manager import RoomManager
from livekit.signaling import CONTINUATION_FLAG
from tests.server.recording_link import EPOCH, Member, RecordingLink, grants, join, make_rooms, parameters, user_packet


def test_join_response_describes_room_and_participants() -> None:
    rooms = make_rooms()
    alice = join(rooms, "alice")
    bob = join(rooms, grants("bob", name="Bob"), active=False, now=2.5)

    response = bob.signal("join").join
    assert bob.kinds()[0] == "join"
    assert response.room.name == "demo"
    assert response.room.sid.startswith("RM_")
    assert response.room.num_participants == 2
    assert response.room.creation_time == int(EPOCH)
    assert response.participant.sid == bob.sid
    assert bob.sid.startswith("PA_")
    assert response.participant.name == "Bob"
    assert response.participant.joined_at_ms == int((EPOCH + 2.5) * 1000)
    assert [(other.sid, other.state) for other in response.other_participants] == [
        (alice.sid, models.ParticipantInfo.ACTIVE)
    ]
    assert (response.ping_interval, response.ping_timeout) == (limits.PING_INTERVAL, limits.PING_TIMEOUT)
    assert response.server_info.version == response.server_version == COMPATIBLE_VERSION
    assert SERVER_ANNOUNCES_JOINS in response.server_info.debug_info
    assert CONTINUATION_FLAG in response.server_info.debug_info
    assert not response.subscriber_primary


def test_two_peer_connections_make_the_subscriber_primary() -> None:
    link = RecordingLink()
    _ = make_rooms().join(grants("alice"), parameters(single=False), link, 0.0)
    assert link.signals[0].join.subscriber_primary


def test_server_version_is_one_that_clients_accept_for_rpc() -> None:
    assert tuple(int(part) for part in COMPATIBLE_VERSION.split(".")) >= (1, 8, 0)


def test_states_are_announced_at_once() -> None:
    rooms = make_rooms()
    alice = join(rooms, "alice")
    _ = alice.updates()

    bob = join(rooms, "bob", active=False)
    assert alice.updates() == [(bob.sid, "JOINED")]
    bob.room.activate(bob.participant, 1.0)
    assert alice.updates() == [(bob.sid, "ACTIVE")]
    bob.room.remove(bob.participant, DisconnectReason.CLIENT_INITIATED, 2.0)
    assert alice.updates() == [(bob.sid, "DISCONNECTED")]
    assert bob.updates() == [(bob.sid, "ACTIVE")]


def test_participant_count_is_announced() -> None:
    rooms = make_rooms()
    alice = join(rooms, "alice")
    assert "room_update" not in alice.kinds()
    bob = join(rooms, "bob")
    assert alice.signal("room_update").room_update.room.num_participants == 2
    _ = join(rooms, grants("ghost", hidden=True))
    assert alice.signal("room_update").room_update.room.num_participants == 3
    _ = join(rooms, grants("agent", kind="agent"))
    assert alice.kinds().count("room_update") == 2, "agents do not count"
    bob.room.remove(bob.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    assert alice.signal("room_update").room_update.room.num_participants == 2


def test_client_protocol_and_capabilities_are_announced() -> None:
    rooms = make_rooms()
    _ = join(rooms, "alice")
    other = join(rooms, "bob").signal("join").join.other_participants[0]
    assert other.client_protocol == 2
    assert list(other.capabilities) == [models.ClientInfo.CAP_COMPRESSION_DEFLATE_RAW]


def test_hidden_participants_are_not_announced() -> None:
    rooms = make_rooms()
    alice = join(rooms, "alice")
    ghost = join(rooms, grants("ghost", hidden=True))
    bob = join(rooms, "bob")

    assert [other.identity for other in ghost.signal("join").join.other_participants] == ["alice"]
    assert [other.identity for other in bob.signal("join").join.other_participants] == ["alice"]
    assert bob.signal("join").join.room.num_participants == 3
    ghost.room.remove(ghost.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    assert {sid for sid, _ in alice.updates()} == {alice.sid, bob.sid}


def test_same_identity_replaces_the_older_one() -> None:
    rooms = make_rooms()
    alice = join(rooms, "alice")
    older = join(rooms, "bob")
    _ = alice.updates()

    newer = join(rooms, "bob", now=1.0)

    assert older.signal("leave").leave.reason == DisconnectReason.DUPLICATE_IDENTITY
    assert older.signal("leave").leave.action == rtc.LeaveRequest.DISCONNECT
    assert older.link.closed
    assert alice.updates() == [(newer.sid, "JOINED"), (newer.sid, "ACTIVE")], "no word of the older one's end"
    assert newer.is_in_room()
    assert not older.is_in_room()


def test_same_identity_alone_in_its_room_keeps_the_room() -> None:
    rooms = make_rooms()
    older = join(rooms, "bob")
    newer = join(rooms, "bob", now=1.0)
    assert newer.room is older.room is rooms.get("demo")


def test_leave_is_not_answered() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    bob.request(rtc.SignalRequest(leave=rtc.LeaveRequest(reason=DisconnectReason.CLIENT_INITIATED)))
    assert "leave" not in bob.kinds()
    assert bob.link.closed
    last = alice.signal("update").update.participants[0]
    assert (last.sid, last.disconnect_reason) == (bob.sid, DisconnectReason.CLIENT_INITIATED)


def test_leave_reason_of_client_is_restricted() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    bob.request(rtc.SignalRequest(leave=rtc.LeaveRequest(reason=DisconnectReason.ROOM_DELETED)))
    assert alice.signal("update").update.participants[0].disconnect_reason == DisconnectReason.CLIENT_INITIATED


def test_removed_participant_receives_reason() -> None:
    bob = join(make_rooms(), "bob")
    bob.room.remove(bob.participant, DisconnectReason.PARTICIPANT_REMOVED, 1.0)
    leave = bob.signal("leave").leave
    assert (leave.reason, leave.action) == (DisconnectReason.PARTICIPANT_REMOVED, rtc.LeaveRequest.DISCONNECT)
    bob.room.remove(bob.participant, DisconnectReason.PARTICIPANT_REMOVED, 1.0)
    assert bob.kinds().count("leave") == 1


@pytest.mark.parametrize("reason", [DisconnectReason.STATE_MISMATCH, DisconnectReason.CONNECTION_TIMEOUT])
def test_connection_failures_permit_reconnect(reason: models.DisconnectReason) -> None:
    bob = join(make_rooms(), "bob")
    bob.room.remove(bob.participant, reason, 1.0)
    assert bob.signal("leave").leave.action == rtc.LeaveRequest.RECONNECT


class TestTime:
    """Timeouts."""

    def test_signalling_participant_stays(self) -> None:
        bob = join(make_rooms(), "bob")
        for now in range(0, 10 * limits.PING_TIMEOUT, limits.PING_INTERVAL):
            bob.request(rtc.SignalRequest(ping_req=rtc.Ping(timestamp=1)), float(now))
            bob.room.tick(float(now))
        assert bob.is_in_room()

    def test_silent_participant_is_dropped_then_removed(self) -> None:
        rooms = make_rooms()
        alice, bob = join(rooms, "alice"), join(rooms, "bob")
        timeout = float(limits.PING_TIMEOUT)
        alice.participant.last_signal_at = 2 * timeout + limits.RESUME_WINDOW
        rooms.tick(timeout - 0.1)
        assert bob.link.dropped_signal == 0
        rooms.tick(timeout)
        assert bob.link.dropped_signal == 1
        rooms.tick(timeout + limits.RESUME_WINDOW - 0.1)
        assert bob.is_in_room()
        rooms.tick(timeout + limits.RESUME_WINDOW)
        assert not bob.is_in_room()
        assert alice.signal("update").update.participants[0].disconnect_reason == DisconnectReason.SIGNAL_CLOSE

    def test_without_signal_and_transport_is_removed_soon(self) -> None:
        bob = join(make_rooms(), "bob")
        bob.participant.signal_lost_at = 3.0
        bob.room.tick(3.5)
        assert bob.is_in_room()
        bob.participant.transport_disconnected_at = 4.0
        bob.room.tick(4.0 + limits.DISCONNECTED_GRACE - 0.1)
        assert bob.is_in_room()
        bob.room.tick(4.0 + limits.DISCONNECTED_GRACE)
        assert not bob.is_in_room()
        assert bob.signal("leave").leave.reason == DisconnectReason.CONNECTION_TIMEOUT

    def test_reconnected_transport_stays(self) -> None:
        bob = join(make_rooms(), "bob")
        bob.participant.signal_lost_at = bob.participant.transport_disconnected_at = 4.0
        bob.room.activate(bob.participant, 5.0)
        bob.room.tick(4.0 + limits.DISCONNECTED_GRACE)
        assert bob.is_in_room()

    def test_failed_transport_may_recover_in_time(self) -> None:
        bob = join(make_rooms(), "bob")
        bob.participant.transport_failed_at = 1.0
        bob.room.activate(bob.participant, 2.0)
        bob.participant.last_signal_at = 2.0 + limits.RESUME_WINDOW
        bob.room.tick(2.0 + limits.RESUME_WINDOW)
        assert bob.is_in_room()

    def test_transport_that_never_connects(self) -> None:
        bob = join(make_rooms(), "bob", active=False)
        bob.participant.last_signal_at = limits.JOIN_TIMEOUT
        bob.room.tick(limits.JOIN_TIMEOUT)
        assert bob.signal("leave").leave.reason == DisconnectReason.JOIN_FAILURE

    def test_transport_that_never_reconnects(self) -> None:
        rooms = make_rooms()
        before = join(rooms, "bob")
        bob = join(rooms, "bob", active=False, sid=before.sid)
        bob.participant.last_signal_at = limits.JOIN_TIMEOUT
        bob.room.tick(limits.JOIN_TIMEOUT)
        leave = bob.signal("leave").leave
        assert (leave.reason, leave.action) == (DisconnectReason.CONNECTION_TIMEOUT, rtc.LeaveRequest.RECONNECT)

    def test_signal_lost_while_joining_removes(self) -> None:
        bob = join(make_rooms(), "bob", active=False)
        bob.participant.signal_lost_at = 1.0
        bob.room.tick(1.0)
        assert not bob.is_in_room()

    def test_tokens_are_refreshed(self) -> None:
        rooms = RoomManager(epoch=EPOCH, refresh_token=lambda grants, info: f"for {info.identity}")
        bob = join(rooms, "bob")
        assert bob.signal("refresh_token").refresh_token == "for bob"
        assert bob.kinds().count("refresh_token") == 1
        bob.participant.last_signal_at = limits.TOKEN_REFRESH_INTERVAL
        rooms.tick(limits.TOKEN_REFRESH_INTERVAL)
        assert bob.kinds().count("refresh_token") == 2


class TestResume:
    def test_response_has_last_sequence_then_full_state(self) -> None:
        rooms = make_rooms()
        alice, bob = join(rooms, "alice"), join(rooms, "bob")
        bob.send(user_packet(b"x", sequence=7))
        bob.participant.signal_lost_at = 1.0
        bob.link.signals.clear()

        bob.room.resume(bob.participant, 2.0)

        assert bob.kinds() == ["reconnect", "update", "room_update"]
        assert bob.signal("reconnect").reconnect.last_message_seq == 7
        assert {info.sid for info in bob.signal("update").update.participants} == {alice.sid, bob.sid}
        assert bob.link.restarts == 1
        bob.room.tick(1.0 + limits.RESUME_WINDOW)
        assert bob.is_in_room()

    def test_requires_same_sid(self) -> None:
        rooms = make_rooms()
        bob = join(rooms, "bob")
        assert rooms.find_resumable(grants("bob"), parameters(sid=bob.sid)) == (bob.room, bob.participant)
        assert rooms.find_resumable(grants("bob"), parameters(sid="PA_another")) is None
        assert rooms.find_resumable(grants("alice"), parameters(sid=bob.sid)) is None
        assert rooms.find_resumable(grants("bob", room="elsewhere"), parameters(sid=bob.sid)) is None

    def test_requires_transport_or_offer(self) -> None:
        rooms = make_rooms()
        bob = join(rooms, "bob")
        bob.participant.transport_failed_at = 1.0
        assert rooms.find_resumable(grants("bob"), parameters(sid=bob.sid)) is None
        assert rooms.find_resumable(grants("bob"), parameters(sid=bob.sid, offer=rtc.SessionDescription()))

    def test_nothing_is_resent_on_surviving_transport(self) -> None:
        rooms = make_rooms()
        alice, bob = join(rooms, "alice"), join(rooms, "bob")
        alice.send(user_packet(b"1", sequence=1))
        bob.request(self.sync_state(alice, 0))
        assert bob.payloads() == [b"1"]

    def test_replaced_transport_receives_missing_and_new_packets(self) -> None:
        rooms = make_rooms()
        alice, bob = join(rooms, "alice"), join(rooms, "bob")
        for sequence in range(1, 6):
            alice.send(user_packet(b"%d" % sequence, sequence=sequence))
        assert len(bob.received()) == 5
        bob.participant.transport_failed_at = 6.0
        bob.participant.transport_replaced()
        alice.send(user_packet(b"6", sequence=6))
        alice.send(user_packet(b"unnumbered"))
        bob.request(self.sync_state(alice, 3), 7.0)
        assert bob.payloads() == [], "the transport is not up yet"
        bob.room.activate(bob.participant, 8.0)
        assert bob.payloads() == [b"4", b"5", b"6", b"unnumbered"]
        bob.request(self.sync_state(alice, 3), 9.0)
        assert bob.payloads() == []

    def test_replaced_transport_waits_for_sync_state(self) -> None:
        rooms = make_rooms()
        alice, bob = join(rooms, "alice"), join(rooms, "bob")
        alice.send(user_packet(b"1", sequence=1))
        assert len(bob.received()) == 1
        bob.participant.transport_replaced()
        bob.room.activate(bob.participant, 1.0)
        alice.send(user_packet(b"2", sequence=2))
        assert bob.payloads() == []
        bob.request(self.sync_state(alice, 0), 2.0)
        assert bob.payloads() == [b"1", b"2"]

    def sync_state(self, sender: Member, sequence: int) -> rtc.SignalRequest:
        """Return a sync state with the last sequence number of one sender."""
        state = rtc.DataChannelReceiveState(publisher_sid=sender.sid, last_seq=sequence)
        return rtc.SignalRequest(sync_state=rtc.SyncState(datachannel_receive_states=[state]))


class TestPermission:
    def test_change_is_announced_with_new_token(self) -> None:
        rooms = make_rooms()
        alice, bob = join(rooms, "alice"), join(rooms, "bob")
        bob.room.set_permission(bob.participant, models.ParticipantPermission(can_subscribe=True), 1.0)
        for member in (alice, bob):
            info = member.signal("update").update.participants[0]
            assert (info.sid, info.permission.can_publish_data) == (bob.sid, False)
        bob.send(user_packet(b"x"))
        assert alice.payloads() == []

    def test_becoming_hidden_is_not_announced(self) -> None:
        rooms = make_rooms()
        alice, bob = join(rooms, "alice"), join(rooms, "bob")
        _ = alice.updates()
        bob.room.set_permission(bob.participant, models.ParticipantPermission(hidden=True), 1.0)
        assert alice.updates() == []
        assert bob.updates()[-1] == (bob.sid, "ACTIVE")
        carol = join(rooms, "carol")
        assert [other.identity for other in carol.signal("join").join.other_participants] == ["alice"]
        _ = alice.updates()
        bob.room.set_permission(bob.participant, models.ParticipantPermission(), 2.0)
        assert alice.updates() == [(bob.sid, "ACTIVE")]
        assert carol.updates()[-1] == (bob.sid, "ACTIVE")

    def test_departure_of_a_participant_that_became_hidden_is_not_announced(self) -> None:
        rooms = make_rooms()
        alice, bob = join(rooms, "alice"), join(rooms, "bob")
        bob.room.set_permission(bob.participant, models.ParticipantPermission(hidden=True), 1.0)
        _ = alice.updates()
        bob.room.remove(bob.participant, DisconnectReason.CLIENT_INITIATED, 2.0)
        assert alice.updates() == []

    def test_unchanged_permission_changes_nothing(self) -> None:
        rooms = make_rooms()
        bob = join(rooms, "bob")
        bob.link.signals.clear()
        bob.room.set_permission(bob.participant, bob.participant.permission, 1.0)
        assert bob.kinds() == []


def test_room_metadata_is_announced() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.room.update_metadata("new")
    assert {member.signal("room_update").room_update.room.metadata for member in (alice, bob)} == {"new"}


def test_kind_and_its_details_are_announced() -> None:
    rooms = make_rooms()
    alice = join(rooms, "alice")
    _ = join(rooms, replace(grants("agent", kind="agent"), kind_details=["CLOUD_AGENT"]))
    info = [info for signal in alice.link.signals for info in signal.update.participants if info.identity == "agent"][
        -1
    ]
    assert (info.kind, list(info.kind_details)) == (models.ParticipantInfo.AGENT, [models.ParticipantInfo.CLOUD_AGENT])


def test_resumed_participant_receives_a_new_token() -> None:
    rooms = RoomManager(epoch=EPOCH, refresh_token=lambda _, info: f"token of {info.sid}")
    alice = join(rooms, "alice")
    alice.link.signals.clear()
    alice.room.resume(alice.participant, 1.0)
    assert alice.signal("refresh_token").refresh_token == f"token of {alice.sid}"


def test_unchanged_name_and_metadata_are_not_announced() -> None:
    rooms = make_rooms()
    alice = join(rooms, "alice")
    alice.room.update_participant(alice.participant, 1.0, name="A", metadata="m")
    alice.link.signals.clear()
    alice.room.update_participant(alice.participant, 2.0, name="A", metadata="m", attributes={})
    assert alice.kinds() == []
    alice.room.update_participant(alice.participant, 3.0, name="B")
    assert alice.participant.info().name == "B"
    assert "update" in alice.kinds()
