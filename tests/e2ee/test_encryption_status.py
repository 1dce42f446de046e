from __future__ import annotations

from typing import Any

import pytest

from livekit._room.local_context import LocalConnection
from livekit._room.participant_table import ParticipantTable
from livekit.e2ee.encryption_status import EncryptionStatus
from livekit.enums import EncryptionState
from livekit.local_participant import LocalParticipant
from livekit.participant import ParticipantRecord, RemoteParticipant
from livekit.protocol import models
from livekit.rpc.local_rpc import LocalRpc


class Rig:
    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []
        record = ParticipantRecord(models.ParticipantInfo())
        local = LocalParticipant(record, LocalConnection(), LocalRpc())
        self.participants = ParticipantTable(local, record, lambda *event: None, self)
        alice, bob = (models.ParticipantInfo(identity=name, sid=f"PA_{name}") for name in ("alice", "bob"))
        self.participants.apply_join(alice, [bob])
        self.bob = self.participants.remotes["bob"]
        self.status = EncryptionStatus(self.participants, lambda *event: self.events.append(event))

    def on_peer_changed(self, identity: str) -> None: ...
    def on_peer_left(self, identity: str) -> None: ...
    def on_peer_missing(self, identity: str) -> None: ...

    def on_peer_restarted(self, identity: str) -> None: ...

    def on_tracks(self, participant: RemoteParticipant, record: ParticipantRecord, *, announce: bool) -> None:
        """Ignored: tracks have tests of their own."""

    def on_tracks_ended(self, record: ParticipantRecord) -> None:
        """Ignored as well."""


def test_state_is_emitted_when_it_changes() -> None:
    rig = Rig()
    for state in (EncryptionState.OK, EncryptionState.OK, EncryptionState.DECRYPTION_FAILED, EncryptionState.OK):
        rig.status.update_state("bob", state)
    rig.status.update_state("alice", EncryptionState.MISSING_KEY)
    rig.status.update_state("unknown", EncryptionState.OK)
    assert rig.events == [
        ("e2ee_state_changed", rig.bob, EncryptionState.OK),
        ("e2ee_state_changed", rig.bob, EncryptionState.DECRYPTION_FAILED),
        ("e2ee_state_changed", rig.bob, EncryptionState.OK),
        ("e2ee_state_changed", rig.participants.local, EncryptionState.MISSING_KEY),
    ]


def test_states_of_tracks_and_data_are_apart() -> None:
    rig = Rig()
    ok, failed = EncryptionState.OK, EncryptionState.DECRYPTION_FAILED
    for _ in range(3):
        rig.status.update_state("bob", ok)
        rig.status.update_track_state("bob", "TR_1", failed)
        rig.status.update_track_state("bob", "TR_2", ok)
    rig.status.forget_track("bob", "TR_1")
    rig.status.forget_track("unknown", "TR_1")
    rig.status.update_track_state("bob", "TR_1", failed)
    assert [event[2] for event in rig.events] == [ok, failed, ok, failed]


@pytest.mark.parametrize(
    ("packets", "emitted"),
    [([True, True], [True]), ([False, True, False], []), ([True, False, True, False], [True, False])],
)
def test_one_plain_packet_marks_the_sender_as_unencrypted(packets: list[bool], emitted: list[bool]) -> None:
    rig = Rig()
    for encrypted in packets:
        rig.status.packet_received("bob", encrypted=encrypted)
        rig.status.packet_received("unknown", encrypted=encrypted)
    assert rig.events == [("participant_encryption_status_changed", rig.bob, encrypted) for encrypted in emitted]


def test_status_is_reset_when_a_participant_leaves() -> None:
    rig = Rig()
    rig.status.packet_received("bob", encrypted=False)
    rig.status.forget("bob")
    rig.status.packet_received("bob", encrypted=True)
    assert len(rig.events) == 1
