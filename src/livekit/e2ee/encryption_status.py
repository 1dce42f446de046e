"""Events about the encryption of participants."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit._room.participant_table import ParticipantTable
    from livekit.enums import EncryptionState


class EncryptionStatus:
    """Tracks each participant's encryption and emits an event when it changes.

    It has two parts: the result of encrypting or decrypting (`EncryptionState`), and whether packets are encrypted.
    """

    def __init__(self, participants: ParticipantTable, emit: Callable[..., None]) -> None:
        self._participants = participants
        self._emit = emit
        self._states: dict[str, dict[str, EncryptionState.ValueType]] = {}
        """By identity, then by track sid; empty for data packets."""
        self._encrypted: dict[str, bool] = {}

    def update_state(self, identity: str, state: EncryptionState.ValueType) -> None:
        """Record the result of decrypting a participant's packet, or of encrypting one of the local participant's."""
        self.update_track_state(identity, "", state)

    def update_track_state(self, identity: str, track_sid: str, state: EncryptionState.ValueType) -> None:
        """Record the result of encrypting or decrypting a frame of a track."""
        states = self._states.get(identity)
        if states is not None and states.get(track_sid) == state:
            return
        participant = self._participants.participant(identity)
        if participant is not None:
            self._states.setdefault(identity, {})[track_sid] = state
            self._emit("e2ee_state_changed", participant, state)

    def forget_track(self, identity: str, track_sid: str) -> None:
        """Drop the state of a track that ended."""
        self._states.get(identity, {}).pop(track_sid, None)

    def packet_received(self, identity: str, *, encrypted: bool) -> None:
        """Record an encrypted or plain packet. One plain packet marks its sender as unencrypted until it leaves."""
        participant = self._participants.participant(identity)
        before = self._encrypted.get(identity)
        if participant is None or before is False or before is encrypted:
            return
        self._encrypted[identity] = encrypted
        if encrypted or before:
            self._emit("participant_encryption_status_changed", participant, encrypted)

    def forget(self, identity: str) -> None:
        """Drop the status of a participant that left."""
        self._states.pop(identity, None)
        self._encrypted.pop(identity, None)
