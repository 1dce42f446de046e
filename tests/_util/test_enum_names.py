"""Enum values unknown to this package's schema, in names and in participants."""

from __future__ import annotations

from livekit._util.enum_names import enum_name
from livekit.enums import ParticipantKind, ParticipantState
from livekit.participant import ParticipantRecord, RemoteParticipant
from livekit.protocol import models, rtc

UNKNOWN = 99


def remote(kind: int, state: int) -> RemoteParticipant:
    info = models.ParticipantInfo(identity="bob")
    info.MergeFromString(bytes((3 << 3, state, 14 << 3, kind)))
    return RemoteParticipant(ParticipantRecord(info))


def test_name_of_a_known_value() -> None:
    assert enum_name(models.DisconnectReason, models.DisconnectReason.SERVER_SHUTDOWN) == "SERVER_SHUTDOWN"


def test_unknown_value_is_its_number() -> None:
    leave = rtc.LeaveRequest.FromString(bytes((2 << 3, UNKNOWN)))
    assert enum_name(models.DisconnectReason, leave.reason) == str(UNKNOWN)


def test_known_participant_kinds_and_states() -> None:
    agent = remote(models.ParticipantInfo.AGENT, models.ParticipantInfo.ACTIVE)
    assert (agent.kind, agent.state) == (
        ParticipantKind.PARTICIPANT_KIND_AGENT,
        ParticipantState.PARTICIPANT_STATE_ACTIVE,
    )


def test_unknown_participant_kinds_and_states_fall_back_to_defaults() -> None:
    unknown = remote(UNKNOWN, UNKNOWN)
    assert (unknown.kind, unknown.state) == (
        ParticipantKind.PARTICIPANT_KIND_STANDARD,
        ParticipantState.PARTICIPANT_STATE_JOINING,
    )
