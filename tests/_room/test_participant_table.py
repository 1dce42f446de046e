from __future__ import annotations

from typing import Any

import pytest

from livekit._room.local_context import LocalConnection
from livekit._room.participant_table import MAX_LEFT_SIDS, MAX_PACKET_SENDERS, ParticipantTable
from livekit.local_participant import LocalParticipant
from livekit.participant import ParticipantRecord, RemoteParticipant
from livekit.protocol import models
from livekit.rpc.local_rpc import LocalRpc
from livekit.rpc.peer_info import ABSENT

State = models.ParticipantInfo.State
Info = models.ParticipantInfo


def info(identity: str, sid: str = "", state: int = State.ACTIVE, **fields: Any) -> Info:
    return Info(identity=identity, sid=sid or f"PA_{identity}", state=state, client_protocol=2, **fields)  # type: ignore[arg-type]


def permission(**fields: bool) -> models.ParticipantPermission:
    return models.ParticipantPermission(**{"can_publish_data": True, **fields})  # type: ignore[arg-type]


class Rig:
    """Alice's participant table, with its listener notifications and emitted events."""

    def __init__(self, *others: Info, **local: Any) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.notifications: list[tuple[str, str]] = []
        record = ParticipantRecord(Info())
        self.local = LocalParticipant(record, LocalConnection(), LocalRpc())
        self.participants = ParticipantTable(self.local, record, lambda *event: self.events.append(event), self)
        self.participants.apply_join(info("alice", **local), others)

    def on_peer_changed(self, identity: str) -> None:
        self.notifications.append(("changed", identity))

    def on_peer_left(self, identity: str) -> None:
        self.notifications.append(("left", identity))

    def on_peer_missing(self, identity: str) -> None:
        self.notifications.append(("missing", identity))

    def on_peer_restarted(self, identity: str) -> None:
        self.notifications.append(("restarted", identity))

    def on_tracks(self, participant: RemoteParticipant, record: ParticipantRecord, *, announce: bool) -> None:
        """Ignored: tracks have tests of their own."""

    def on_tracks_ended(self, record: ParticipantRecord) -> None:
        """Ignored as well."""

    def update(self, *infos: Info) -> list[str]:
        """Apply an update and return the names of its events."""
        self.events.clear()
        self.notifications.clear()
        self.participants.update(infos)
        return [event[0] for event in self.events]


def test_first_join_emits_no_events() -> None:
    rig = Rig(info("bob"), info("carol"))
    assert set(rig.participants.remotes) == {"bob", "carol"}
    assert rig.events == []
    assert rig.notifications == [("changed", "bob"), ("changed", "carol")]
    assert rig.local.sid == "PA_alice"


def test_participant_joins_and_leaves() -> None:
    rig = Rig()
    assert rig.update(info("bob", state=State.JOINED)) == ["participant_connected"]
    participant = rig.participants.remotes["bob"]
    assert rig.notifications == [("changed", "bob")]
    assert rig.update(info("bob")) == ["participant_active"]
    assert rig.participants.remotes["bob"] is participant
    left = info("bob", state=State.DISCONNECTED, disconnect_reason=models.DisconnectReason.CLIENT_INITIATED)
    assert rig.update(left) == ["participant_disconnected"]
    assert rig.notifications == [("left", "bob")]
    assert rig.events[0][1] is participant
    assert participant.disconnect_reason == models.DisconnectReason.CLIENT_INITIATED
    assert rig.participants.remotes == {}
    assert rig.update(left) == []


def test_participant_that_is_active_on_arrival() -> None:
    assert Rig().update(info("bob")) == ["participant_connected", "participant_active"]


def test_listener_is_notified_before_events_are_emitted() -> None:
    rig = Rig(info("bob"))
    order: list[str] = []

    def note(*event: object) -> None:
        order.append(f"event after notification {len(rig.notifications)}")

    rig.participants._emit = note
    rig.update(info("carol"), info("bob", state=State.DISCONNECTED))
    assert order == ["event after notification 1", "event after notification 1", "event after notification 2"]


def test_changes_are_emitted() -> None:
    rig = Rig(info("bob", name="old", metadata="m", attributes={"a": "1", "b": "2"}, permission=permission()))
    events = rig.update(
        info(
            "bob",
            name="new",
            metadata="n",
            attributes={"a": "1", "c": "3"},
            permission=permission(can_publish_data=False),
        )
    )
    assert events == [
        "participant_name_changed",
        "participant_metadata_changed",
        "participant_attributes_changed",
        "participant_permissions_changed",
    ]
    bob = rig.participants.remotes["bob"]
    assert rig.events[0] == ("participant_name_changed", bob, "old", "new")
    assert rig.events[1] == ("participant_metadata_changed", bob, "m", "n")
    assert rig.events[2] == ("participant_attributes_changed", {"c": "3", "b": ""}, bob)
    assert (
        rig.update(
            info(
                "bob",
                name="new",
                metadata="n",
                attributes={"a": "1", "c": "3"},
                permission=permission(can_publish_data=False),
            )
        )
        == []
    )


def test_local_changes_are_emitted_for_the_current_sid_only() -> None:
    rig = Rig(name="old")
    assert rig.update(info("alice", name="new")) == ["participant_name_changed"]
    assert rig.notifications == []
    assert rig.update(info("alice", sid="PA_other", name="other")) == []
    assert rig.local.name == "new"


def test_older_version_of_the_same_sid_is_ignored() -> None:
    rig = Rig(info("bob", version=5, name="new"))
    assert rig.update(info("bob", version=4, name="old")) == []
    assert rig.update(info("bob", sid="PA_2", version=1, name="new")) != []
    assert rig.participants.remotes["bob"].sid == "PA_2"


# PeerDirectory


def test_row_08_sender_of_a_packet_is_listed_until_it_leaves() -> None:
    rig = Rig()
    assert rig.participants.peer("bob") is ABSENT
    rig.participants.packet_received("bob", "PA_bob")
    rig.participants.packet_received("bob", "PA_bob")
    assert rig.notifications == [("changed", "bob")]
    peer = rig.participants.peer("bob")
    assert (peer.listed, peer.ready, peer.announced, peer.client_protocol) == (True, True, False, 0)
    rig.update(info("bob", state=State.JOINED))
    peer = rig.participants.peer("bob")
    assert (peer.listed, peer.ready, peer.announced, peer.client_protocol) == (True, True, True, 2)
    rig.update(info("bob", state=State.DISCONNECTED))
    assert rig.participants.peer("bob") is ABSENT


def test_row_08_late_packet_does_not_list_its_sender_again() -> None:
    rig = Rig(info("bob"))
    rig.update(info("bob", state=State.DISCONNECTED))
    rig.participants.packet_received("bob", "PA_bob")
    assert rig.participants.peer("bob") is ABSENT
    rig.participants.packet_received("bob", "PA_2")
    assert rig.participants.peer("bob").listed


def test_row_08_sender_that_leaves_before_it_was_announced() -> None:
    rig = Rig()
    rig.participants.packet_received("bob", "PA_bob")
    assert rig.update(info("bob", state=State.DISCONNECTED, sid="PA_older")) == []
    assert rig.participants.peer("bob").listed
    assert rig.update(info("bob", state=State.DISCONNECTED)) == []
    assert rig.notifications == [("left", "bob")]
    assert rig.participants.peer("bob") is ABSENT


def test_packet_without_sender_is_ignored() -> None:
    rig = Rig()
    rig.participants.packet_received("", "PA_bob")
    assert rig.notifications == []
    rig.update(info("bob"), Info(identity="bob", state=State.DISCONNECTED))
    rig.participants.packet_received("bob")
    assert rig.notifications == [("changed", "bob"), ("changed", "bob")]


def test_remembered_senders_and_left_sids_are_bounded() -> None:
    rig = Rig()
    for number in range(MAX_PACKET_SENDERS + 1):
        rig.participants.packet_received(f"call {number}")
    assert not rig.participants.peer("call 0").listed
    assert rig.participants.peer("call 1").listed
    for number in range(MAX_LEFT_SIDS + 1):
        rig.participants.update([info(f"peer {number}"), info(f"peer {number}", state=State.DISCONNECTED)])
    assert len(rig.participants._packet_sids) == MAX_PACKET_SENDERS
    assert len(rig.participants._left_sids) == MAX_LEFT_SIDS


def test_peer_cache_is_invalidated_by_changes() -> None:
    rig = Rig(info("bob", permission=permission()))
    before = rig.participants.peer("bob")
    assert rig.participants.peer("bob") is before
    rig.update(info("bob", permission=permission(can_publish_data=False)))
    assert (before.can_publish_data, rig.participants.peer("bob").can_publish_data) == (True, False)
    rig.update(info("bob", state=State.DISCONNECTED))
    assert rig.participants.peer("bob") is ABSENT


def test_row_10_permissions() -> None:
    rig = Rig(
        info("bob"), info("carol", permission=permission()), info("dave", permission=permission(can_publish_data=False))
    )
    assert [rig.participants.peer(name).can_publish_data for name in ("bob", "carol", "dave")] == [True, True, False]
    assert rig.participants.blocked_reason() is None
    assert Rig(permission=permission()).participants.blocked_reason() is None
    assert Rig(permission=permission(can_publish_data=False)).participants.blocked_reason() == "cannot_publish_data"
    assert Rig(permission=permission(hidden=True)).participants.blocked_reason() == "hidden_caller"


@pytest.mark.parametrize("state", [State.JOINING, State.JOINED, State.ACTIVE])
def test_row_18_peer_is_ready_once_active_or_after_its_first_packet(state: int) -> None:
    rig = Rig(info("bob", state=state))
    assert rig.participants.peer("bob").ready == (state == State.ACTIVE)
    rig.participants.packet_received("bob", "PA_bob")
    assert rig.participants.peer("bob").ready


def test_deflate_needs_the_announced_capability() -> None:
    capability = models.ClientInfo.Capability.CAP_COMPRESSION_DEFLATE_RAW
    rig = Rig(info("bob", capabilities=[capability]), info("carol"))
    assert (rig.participants.peer("bob").deflate, rig.participants.peer("carol").deflate) == (True, False)


def test_row_09_local_participant_is_always_ready() -> None:
    peer = Rig(state=State.JOINING).participants.peer("alice")
    assert (peer.listed, peer.ready, peer.client_protocol) == (True, True, 2)


# Row 11: full reconnects


@pytest.mark.parametrize("packet_first", [False, True])
def test_row_11_new_sid_without_leaving_is_a_restart(packet_first: bool) -> None:
    rig = Rig(info("bob"))
    rig.participants.packet_received("bob", "PA_bob")
    if packet_first:
        rig.participants.packet_received("bob", "PA_2")
    events = rig.update(info("bob", sid="PA_2", state=State.JOINED))
    assert events == ["participant_disconnected", "participant_connected"], "as with the official SDK"
    assert rig.notifications == [("restarted", "bob"), ("changed", "bob")]
    assert rig.participants.peer("bob").ready == packet_first
    assert rig.update(info("bob", state=State.DISCONNECTED)) == []
    assert rig.participants.peer("bob").listed


def test_local_rejoin_emits_joins_and_leaves_that_it_missed() -> None:
    rig = Rig(info("bob"), info("carol"))
    rig.participants.packet_received("unannounced", "PA_heard")
    rig.notifications.clear()
    rig.participants.apply_join(info("alice", sid="PA_again"), [info("carol", sid="PA_2"), info("dave")])
    returned = ["participant_disconnected", "participant_connected", "participant_active"]
    came = ["participant_connected", "participant_active"]
    assert [event[0] for event in rig.events] == ["participant_disconnected", *returned, *came]
    assert rig.notifications == [("missing", "bob"), ("restarted", "carol"), ("changed", "carol"), ("changed", "dave")]
    assert rig.local.sid == "PA_again"
    assert rig.participants.peer("unannounced") is ABSENT


def test_local_rejoin_to_a_room_that_was_empty_emits_joins() -> None:
    rig = Rig()
    rig.participants.apply_join(info("alice", sid="PA_again"), [info("bob")])
    assert [event[0] for event in rig.events] == ["participant_connected", "participant_active"]


def packet(identity: str, sid: str) -> models.DataPacket:
    return models.DataPacket(participant_identity=identity, participant_sid=sid)


def test_packet_sent_on_behalf_of_a_participant_is_attributed_to_the_agent() -> None:
    rig = Rig(info("bob"), info("agent"))
    origin = rig.participants.sender_identity
    assert origin(packet("bob", "PA_bob")) == "bob"
    assert origin(packet("bob", "PA_agent")) == "agent"
    assert origin(packet("alice", "PA_agent")) == "agent", "on behalf of the local participant"
    assert origin(packet("bob", "")) == "bob"
    assert origin(packet("bob", "PA_new")) == "bob", "reconnected, but not announced yet"
    assert origin(packet("unlisted", "PA_unlisted")) == "unlisted"


def test_stream_capabilities_are_those_of_all_receivers() -> None:
    deflate = models.ClientInfo.Capability.CAP_COMPRESSION_DEFLATE_RAW
    old = info("old")
    old.client_protocol = 1
    rig = Rig(info("new", capabilities=[deflate]), info("plain"), old)
    abilities = rig.participants.stream_capabilities
    assert abilities(["new"]) == (True, True)
    assert abilities(["new", "plain"]) == (True, False)
    assert abilities(["new", "old"]) == (False, False)
    assert abilities(["unknown"]) == (False, False)
    assert abilities([]) == (False, False)
    rig.update(info("old", state=State.DISCONNECTED))
    assert abilities([]) == (True, False)
    rig.update(info("plain", state=State.DISCONNECTED))
    assert abilities([]) == (True, True)
    rig.participants.packet_received("late", "PA_late")
    assert abilities([]) == (False, False), "not announced, so its capabilities are unknown"
    assert Rig().participants.stream_capabilities([]) == (True, True)


def test_move_replaces_all_participants() -> None:
    rig = Rig(info("bob"), info("carol"))
    rig.events.clear()
    rig.notifications.clear()
    rig.participants.apply_move(info("alice", sid="PA_moved", name="A"), [info("carol", sid="PA_other"), info("dan")])
    assert [event[0] for event in rig.events] == [
        "participant_disconnected",
        "participant_disconnected",
        "participant_name_changed",
        "participant_connected",
        "participant_active",
        "participant_connected",
        "participant_active",
    ]
    assert rig.notifications == [("left", "bob"), ("left", "carol"), ("changed", "carol"), ("changed", "dan")]
    assert rig.local.sid == "PA_moved"
    assert set(rig.participants.remotes) == {"carol", "dan"}
