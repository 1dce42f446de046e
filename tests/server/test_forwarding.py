"""Forwarding of data packets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.protocol import metrics, models, rtc
from livekit.server import limits
from livekit.server.forwarding import forward
from livekit.server.responses import DisconnectReason
from tests.server.recording_link import grants, join, make_rooms, user_packet


def test_packet_without_destination_is_broadcast() -> None:
    rooms = make_rooms()
    alice, bob, carol = (join(rooms, name) for name in ("alice", "bob", "carol"))
    alice.send(user_packet(b"all"))
    assert (alice.payloads(), bob.payloads(), carol.payloads()) == ([], [b"all"], [b"all"])


def test_packet_is_sent_to_destinations_only() -> None:
    rooms = make_rooms()
    alice, bob, carol = (join(rooms, name) for name in ("alice", "bob", "carol"))
    alice.send(user_packet(b"one", "carol", "nobody"))
    assert (bob.payloads(), carol.payloads()) == ([], [b"one"])
    alice.send(user_packet(b"self", "alice"))
    assert alice.payloads() == []


def test_destinations_in_deprecated_user_fields() -> None:
    rooms = make_rooms()
    alice, bob, carol = (join(rooms, name) for name in ("alice", "bob", "carol"))
    alice.send(models.DataPacket(user=models.UserPacket(payload=b"1", destination_sids=[bob.sid])))
    alice.send(models.DataPacket(user=models.UserPacket(payload=b"2", destination_identities=["carol"])))
    assert (bob.payloads(), carol.payloads()) == ([b"1"], [b"2"])


def test_packets_stay_in_their_room() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, grants("alice", room="one")), join(rooms, grants("bob", room="two"))
    alice.send(user_packet(b"x", "bob"))
    assert bob.payloads() == []


def test_sender_fields_are_overwritten() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    forged = models.DataPacket(
        participant_identity="carol",
        participant_sid="PA_carol",
        sequence=9,
        kind=models.DataPacket.LOSSY,
        rpc_ack=models.RpcAck(request_id="1"),
    )
    alice.send(forged)
    packet = bob.received()[0]
    assert (packet.participant_identity, packet.participant_sid) == ("alice", alice.sid)
    assert packet.kind == models.DataPacket.RELIABLE
    assert packet.sequence == 9
    assert packet.rpc_ack.request_id == "1"


def test_nested_sender_of_user_packets_is_overwritten() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.send(models.DataPacket(user=models.UserPacket(payload=b"x", participant_identity="c", participant_sid="s")))
    user = bob.received()[0].user
    assert (user.participant_identity, user.participant_sid) == ("alice", alice.sid)


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("reliable", [False, True])
def test_appended_sender_fields_override_those_in_the_packet(hidden: bool, reliable: bool) -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, grants("alice", hidden=hidden)), join(rooms, "bob")
    ack = models.RpcAck(request_id="1")
    forged = models.DataPacket(participant_identity="carol", participant_sid="PA_carol", rpc_ack=ack)
    forged.kind = models.DataPacket.LOSSY if reliable else models.DataPacket.RELIABLE
    alice.send(forged, reliable=reliable)
    expected = models.DataPacket(participant_identity="" if hidden else "alice", participant_sid=alice.sid, rpc_ack=ack)
    expected.kind = models.DataPacket.RELIABLE if reliable else models.DataPacket.LOSSY
    assert bob.received() == [expected]


def test_hidden_sender_is_anonymous() -> None:
    rooms = make_rooms()
    ghost, bob = join(rooms, grants("ghost", hidden=True)), join(rooms, "bob")
    ghost.send(user_packet(b"boo"))
    packet = bob.received()[0]
    assert (packet.participant_identity, packet.user.participant_identity, packet.user.participant_sid) == ("", "", "")


def test_agents_send_chat_and_text_on_behalf_of_others() -> None:
    rooms = make_rooms()
    agent, bob = join(rooms, grants("agent", kind="agent")), join(rooms, "bob")
    text = models.DataStream.Header(text_header=models.DataStream.TextHeader())
    for packet in (
        models.DataPacket(participant_identity="carol", chat_message=models.ChatMessage(message="m")),
        models.DataPacket(participant_identity="carol", stream_header=text),
        models.DataPacket(participant_identity="carol", rpc_ack=models.RpcAck()),
    ):
        agent.send(packet)
    chat, header, ack = bob.received()
    assert (chat.participant_identity, chat.chat_message.generated) == ("carol", True)
    assert (header.participant_identity, header.stream_header.text_header.generated) == ("carol", True)
    assert ack.participant_identity == "agent"


def test_packets_without_publish_permission_are_dropped() -> None:
    rooms = make_rooms()
    mute, bob = join(rooms, grants("mute", canPublishData=False)), join(rooms, "bob")
    mute.send(user_packet(b"x", sequence=1))
    mute.send(user_packet(b"x"), reliable=False)
    assert bob.payloads() == []
    assert mute.participant.last_sequence == 0


def test_duplicate_and_older_sequence_numbers_are_dropped() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    for sequence in (1, 2, 2, 1, 5, 4, 6):
        alice.send(user_packet(b"%d" % sequence, sequence=sequence))
    assert bob.payloads() == [b"1", b"2", b"5", b"6"]


def test_new_session_of_an_identity_restarts_sequence() -> None:
    rooms = make_rooms()
    bob = join(rooms, "bob")
    join(rooms, "alice").send(user_packet(b"old", sequence=5))
    join(rooms, "alice").send(user_packet(b"new", sequence=1))
    assert bob.payloads() == [b"old", b"new"]


def test_unnumbered_and_lossy_packets_are_not_deduplicated() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.send(user_packet(b"a", sequence=3))
    alice.send(user_packet(b"b"))
    alice.send(user_packet(b"c", sequence=1), reliable=False)
    assert bob.payloads() == [b"a", b"b", b"c"]


@pytest.mark.parametrize("reliable", [True, False])
def test_keeps_reliability(reliable: bool) -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.send(user_packet(b"x"), reliable=reliable)
    data, arrived_reliable = bob.link.packets[0]
    assert arrived_reliable is reliable
    assert (models.DataPacket.FromString(data).kind == models.DataPacket.RELIABLE) is reliable


def test_reliable_packets_wait_until_participant_is_active() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob", active=False)
    alice.send(user_packet(b"1"))
    alice.send(user_packet(b"lossy"), reliable=False)
    alice.send(user_packet(b"2"))
    assert bob.payloads() == []
    bob.room.activate(bob.participant, 1.0)
    assert bob.payloads() == [b"1", b"2"]


def test_joining_participant_with_full_backlog_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_WAITING_BACKLOG", 100)
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob", active=False)
    alice.send(user_packet(bytes(200)))
    assert not bob.is_in_room()
    assert bob.signal("leave").leave.reason == DisconnectReason.STATE_MISMATCH


def test_slow_reader_is_removed_without_effect_on_others() -> None:
    rooms = make_rooms()
    alice, bob, carol = (join(rooms, name) for name in ("alice", "bob", "carol"))
    bob.link.is_slow = True
    alice.send(user_packet(b"lossy"), reliable=False)
    assert bob.is_in_room()
    alice.send(user_packet(b"x"))
    assert not bob.is_in_room()
    assert bob.signal("leave").leave.action == rtc.LeaveRequest.RECONNECT
    assert carol.payloads() == [b"lossy", b"x"]


def test_packet_size_limit_is_exact() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    overhead = len(user_packet(bytes(60_000)).SerializeToString()) - 60_000
    longest = user_packet(bytes(limits.MAX_PACKET - overhead))
    assert len(longest.SerializeToString()) == limits.MAX_PACKET
    alice.send(longest)
    alice.send(user_packet(bytes(limits.MAX_PACKET - overhead + 1)))
    assert len(bob.received()) == 1
    assert alice.is_in_room()


def test_packets_after_leaving_are_dropped() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    alice.room.remove(alice.participant, DisconnectReason.CLIENT_INITIATED, 1.0)
    alice.send(user_packet(b"late"))
    assert bob.payloads() == []


def test_only_agents_send_transcriptions() -> None:
    rooms = make_rooms()
    agent, alice, bob = join(rooms, grants("agent", kind="agent")), join(rooms, "alice"), join(rooms, "bob")
    packet = models.DataPacket(transcription=models.Transcription(track_id="TR_1"))
    alice.send(packet)
    assert bob.received() == []
    agent.send(packet)
    assert bob.received()[0].transcription.track_id == "TR_1"


def test_metrics_are_sent_to_subscribers_only() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    watcher = join(rooms, grants("watcher", canSubscribeMetrics=True))
    alice.send(models.DataPacket(metrics=metrics.MetricsBatch()))
    assert (len(bob.received()), len(watcher.received())) == (0, 1)


@given(data=st.binary(max_size=200))
def test_arbitrary_bytes_do_not_raise(data: bytes) -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    forward(alice.room, alice.participant, data, reliable=True, now=0.0)
    for packet in bob.received():
        assert packet.participant_sid == alice.sid


@pytest.mark.parametrize("named", ["destination", "chunk", "trailer"])
def test_answers_to_backend_calls_are_not_forwarded(named: str) -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    received: list[tuple[str, bytes]] = []
    bob.room.backend_receivers["77"] = lambda sender, packet: received.append((sender.identity, packet.user.payload))
    packet = {
        "destination": user_packet(b"answer", "77"),
        "chunk": models.DataPacket(stream_chunk=models.DataStream.Chunk(stream_id="77")),
        "trailer": models.DataPacket(stream_trailer=models.DataStream.Trailer(stream_id="77")),
    }[named]
    bob.send(packet)
    assert received == [("bob", packet.user.payload)]
    assert alice.received() == []
    bob.send(user_packet(b"other", "alice"))
    assert alice.payloads() == [b"other"]
    assert len(received) == 1
