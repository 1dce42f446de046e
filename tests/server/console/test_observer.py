"""The console's observation of the server."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from livekit.rpc import wire
from livekit.server.console.observer import Observer
from livekit.server.console.snapshot import MAX_PARTICIPANTS_SHOWN, call_json, log_entry_json, rooms_json
from livekit.server.console.tracked_call import CallState
from livekit.server.forwarding import send
from livekit.server.participant import Participant
from livekit.server.responses import DisconnectReason
from livekit.server.room_manager import RoomManager
from tests.server.console.packets import ack, only_call, request, response
from tests.server.recording_link import EPOCH, grants, join, make_rooms, user_packet
from tests.server.test_data_tracks import publish, push, subscribe


def watched() -> tuple[RoomManager, Observer]:
    rooms, observer = make_rooms(), Observer()
    rooms.packet_observer = observer
    _ = rooms.observe(lambda event: observer.room_event(event, 0.0))
    return rooms, observer


def test_calls_and_traffic_are_tracked() -> None:
    rooms, observer = watched()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.send(request(payload="x" * 300))
    bob.send(ack(), now=0.5)
    bob.send(response(payload="y"), now=0.75)
    call = only_call(observer.calls)
    assert (call.room, call.state, call.ended) == ("demo", CallState.ANSWERED, 0.75)
    assert observer.traffic(alice.sid).sent.size == observer.traffic(bob.sid).received.size > 300
    assert observer.traffic(bob.sid).sent.packets == observer.traffic(alice.sid).received.packets == 2
    assert observer.total.packets == 3
    assert observer.methods.of("demo", "bob") == ["add"]
    assert [packet.WhichOneof("value") for packet in bob.received()] == ["rpc_request"]


class BrokenObserver(Observer):
    """Raises for each packet."""

    def track_forwarded(self, sender: Participant, receivers: Sequence[Participant], size: int, now: float) -> None:
        raise KeyError("observer")


def test_packets_are_forwarded_despite_a_failing_observer(caplog: pytest.LogCaptureFixture) -> None:
    rooms = make_rooms()
    rooms.packet_observer = BrokenObserver()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    for _ in range(3):
        alice.send(request(payload="x"))
    assert [packet.WhichOneof("value") for packet in bob.received()] == ["rpc_request"] * 3
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "an observer of the packets failed; further failures are logged at debug level"
    ]


def test_data_tracks_count_as_traffic() -> None:
    rooms, observer = watched()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    bob_gets = subscribe(bob, publish(alice, 5))
    push(alice, 5, b"x" * 100)
    assert len(bob_gets) == len(bob.link.track_packets) == 1
    assert observer.traffic(alice.sid).sent.size == observer.traffic(bob.sid).received.size > 100


def test_calls_to_missing_participants_are_tracked() -> None:
    rooms, observer = watched()
    alice = join(rooms, "alice")
    alice.send(request("nobody"))
    alice.send(wire.cancel_packet("nobody", "1", "1"))
    call = only_call(observer.calls)
    assert (call.callee, call.state) == ("nobody", CallState.NOT_FOUND)


def test_hidden_participants_are_shown() -> None:
    rooms, observer = watched()
    ghost, bob = join(rooms, grants("ghost", hidden=True)), join(rooms, "bob")
    ghost.send(request("bob"))
    bob.send(ack("ghost"))
    assert only_call(observer.calls).caller == "ghost"


def test_calls_of_the_server_are_tracked() -> None:
    rooms, observer = watched()
    bob = join(rooms, "bob")
    bob.room.backend_receivers["77"] = lambda sender, packet: None
    packet = request("bob", call="77")
    packet.participant_identity = "77"
    send(bob.room, packet, reliable=True, now=0.0)
    bob.send(response("77", call="77"), now=0.5)
    assert (only_call(observer.calls).caller, only_call(observer.calls).state) == ("", CallState.ANSWERED)
    assert observer.traffic(bob.sid).received.packets == 1


def test_left_participant_is_forgotten() -> None:
    rooms, observer = watched()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.send(request())
    bob.room.remove(bob.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    assert only_call(observer.calls).state is CallState.CALLEE_LEFT
    assert list(observer._traffic) == [alice.sid]


def test_calls_outlive_a_full_reconnect() -> None:
    rooms, observer = watched()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.send(request())
    again = join(rooms, "bob", sid=bob.participant.sid)
    again.send(response(), now=1.0)
    assert only_call(observer.calls).state is CallState.ANSWERED


def test_log_of_room_events() -> None:
    rooms, observer = watched()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.room.remove(alice.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    bob.room.remove(bob.participant, DisconnectReason.PARTICIPANT_REMOVED, 1.0)
    rooms.tick(21.0)
    notes = [log_entry_json(note, rooms.wall_time) for note in observer.event_log.since(0)]
    assert [(note["who"], note["text"]) for note in notes] == [
        ("", "room started"),
        ("alice", "joined"),
        ("bob", "joined"),
        ("alice", "left"),
        ("bob", "was removed: participant removed"),
        ("", "room finished"),
    ]
    assert [note["problem"] for note in notes] == [False, False, False, False, True, False]
    assert observer.event_log.problems == 1
    assert notes[0]["at"] == EPOCH * 1000


def test_rooms_json_has_participants_and_traffic() -> None:
    rooms, observer = watched()
    alice, _ = join(rooms, grants("alice", name="Alice")), join(rooms, "bob")
    alice.send(user_packet(b"x" * 600))
    state = rooms_json(rooms.rooms, observer, 1.0)
    (room,) = state["rooms"]
    assert (room["name"], room["more"], state["participants"]) == ("demo", 0, 2)
    first = room["participants"][0]
    assert (first["identity"], first["name"], first["state"]) == ("alice", "Alice", "active")
    assert first["sent"] > 600
    assert first["sending"] == state["rate"] == round(first["sent"] / 3)
    assert state["series"][-1] == first["sent"]
    assert json.loads(json.dumps(state)) == state


def test_unknown_sdk_is_shown_by_number() -> None:
    rooms, observer = watched()
    join(rooms, "alice").participant.client.MergeFromString(bytes((1 << 3, 99)))
    (room,) = rooms_json(rooms.rooms, observer, 1.0)["rooms"]
    assert room["participants"][0]["client"].startswith("99")


def test_participants_shown_are_limited() -> None:
    rooms, observer = watched()
    for number in range(MAX_PARTICIPANTS_SHOWN + 2):
        join(rooms, f"guest-{number}")
    (room,) = rooms_json(rooms.rooms, observer, 0.0)["rooms"]
    assert (len(room["participants"]), room["more"]) == (MAX_PARTICIPANTS_SHOWN, 2)


def test_call_json_has_duration_and_payloads() -> None:
    rooms, observer = watched()
    observer.calls.set_keep_payloads(True)
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.send(request(payload="2"))
    bob.send(response(payload="4"), now=0.0123)
    shown = call_json(only_call(observer.calls), rooms.wall_time)
    assert (shown["took"], shown["at"], shown["state"]) == (12.3, EPOCH * 1000, "answered")
    assert shown["request"] == {"size": 1, "text": "2", "cut": False}
    assert shown["response"] == {"size": 1, "text": "4", "cut": False}
    assert "code" not in shown
