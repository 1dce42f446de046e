"""Values of enums that are newer than we are, wherever others may send them."""

from __future__ import annotations

from livekit._util.enum_names import enum_name
from livekit.enums import ParticipantKind, ParticipantState
from livekit.participant import ParticipantRecord, RemoteParticipant
from livekit.protocol import models, rtc

NEWER = 99


def remote(kind: int, state: int) -> RemoteParticipant:
    info = models.ParticipantInfo(identity="bob")
    info.MergeFromString(bytes((3 << 3, state, 14 << 3, kind)))
    return RemoteParticipant(ParticipantRecord(info))


def test_a_name() -> None:
    assert enum_name(models.DisconnectReason, models.DisconnectReason.SERVER_SHUTDOWN) == "SERVER_SHUTDOWN"


def test_a_newer_value_is_its_number() -> None:
    leave = rtc.LeaveRequest.FromString(bytes((2 << 3, NEWER)))
    assert enum_name(models.DisconnectReason, leave.reason) == str(NEWER)


def test_participants() -> None:
    agent = remote(models.ParticipantInfo.AGENT, models.ParticipantInfo.ACTIVE)
    assert (agent.kind, agent.state) == (
        ParticipantKind.PARTICIPANT_KIND_AGENT,
        ParticipantState.PARTICIPANT_STATE_ACTIVE,
    )


def test_participants_of_newer_kinds_and_states() -> None:
    newer = remote(NEWER, NEWER)
    assert (newer.kind, newer.state) == (
        ParticipantKind.PARTICIPANT_KIND_STANDARD,
        ParticipantState.PARTICIPANT_STATE_JOINING,
    )
