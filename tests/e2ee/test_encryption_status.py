from __future__ import annotations

from typing import Any

import pytest

from livekit._room.local_context import LocalConnection
from livekit._room.participant_table import ParticipantTable
from livekit.e2ee.encryption_status import EncryptionStatus
from livekit.enums import EncryptionState
from livekit.local_participant import LocalParticipant
from livekit.participant import ParticipantRecord
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
        self.watch = EncryptionStatus(self.participants, lambda *event: self.events.append(event))

    def on_peer_changed(self, identity: str) -> None: ...
    def on_peer_left(self, identity: str) -> None: ...
    def on_peer_restarted(self, identity: str) -> None: ...


def test_states_are_told_when_they_change() -> None:
    rig = Rig()
    for state in (EncryptionState.OK, EncryptionState.OK, EncryptionState.DECRYPTION_FAILED, EncryptionState.OK):
        rig.watch.update_state("bob", state)
    rig.watch.update_state("alice", EncryptionState.MISSING_KEY)
    rig.watch.update_state("nobody", EncryptionState.OK)
    assert rig.events == [
        ("e2ee_state_changed", rig.bob, EncryptionState.OK),
        ("e2ee_state_changed", rig.bob, EncryptionState.DECRYPTION_FAILED),
        ("e2ee_state_changed", rig.bob, EncryptionState.OK),
        ("e2ee_state_changed", rig.participants.local, EncryptionState.MISSING_KEY),
    ]


@pytest.mark.parametrize(
    ("packets", "told"),
    [([True, True], [True]), ([False, True, False], []), ([True, False, True, False], [True, False])],
)
def test_who_sent_anything_in_plain_is_not_encrypted(packets: list[bool], told: list[bool]) -> None:
    rig = Rig()
    for encrypted in packets:
        rig.watch.packet_received("bob", encrypted=encrypted)
        rig.watch.packet_received("nobody", encrypted=encrypted)
    assert rig.events == [("participant_encryption_status_changed", rig.bob, encrypted) for encrypted in told]


def test_who_comes_back_begins_anew() -> None:
    rig = Rig()
    rig.watch.packet_received("bob", encrypted=False)
    rig.watch.forget("bob")
    rig.watch.packet_received("bob", encrypted=True)
    assert len(rig.events) == 1
