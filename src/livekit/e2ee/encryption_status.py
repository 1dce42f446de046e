"""What an application is told about the encryption of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit._room.participants import ParticipantTable
    from livekit.enums import EncryptionState


class EncryptionStatus:
    """Tells of changes only: how each participant's packets open, and whether they are encrypted at all."""

    def __init__(self, participants: ParticipantTable, emit: Callable[..., None]) -> None:
        self._participants = participants
        self._emit = emit
        self._states: dict[str, EncryptionState.ValueType] = {}
        self._encrypted: dict[str, bool] = {}

    def state(self, identity: str, state: EncryptionState.ValueType) -> None:
        """A packet of this participant was opened, or our own sealed, or not."""
        participant = self._participants.participant(identity)
        if participant is not None and self._states.get(identity) != state:
            self._states[identity] = state
            self._emit("e2ee_state_changed", participant, state)

    def received(self, identity: str, *, encrypted: bool) -> None:
        """Who sent anything in plain does not count as encrypted again."""
        participant = self._participants.participant(identity)
        before = self._encrypted.get(identity)
        if participant is None or before is False or before is encrypted:
            return
        self._encrypted[identity] = encrypted
        if encrypted or before:
            self._emit("participant_encryption_status_changed", participant, encrypted)

    def left(self, identity: str) -> None:
        self._states.pop(identity, None)
        self._encrypted.pop(identity, None)
