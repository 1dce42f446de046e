"""Properties of participants, as announced by the server."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from livekit import ConnectionQuality, DisconnectReason, LocalParticipant, Participant, RemoteParticipant
from livekit._room.local_context import LocalConnection
from livekit.enums import ParticipantKind, ParticipantKindDetail, ParticipantState
from livekit.media.publications import LocalTrackPublication, RemoteTrackPublication
from livekit.participant import ParticipantRecord
from livekit.protocol import models
from livekit.rpc.local_rpc import LocalRpc

Info = models.ParticipantInfo


def remote(info: models.ParticipantInfo) -> RemoteParticipant:
    return RemoteParticipant(ParticipantRecord(info))


def test_participant_has_the_announced_properties() -> None:
    participant = remote(
        Info(
            sid="PA_1",
            identity="bot",
            name="Bot",
            metadata="m",
            attributes={"a": "1"},
            kind=Info.Kind.AGENT,
            kind_details=[Info.KindDetail.CLOUD_AGENT],
            state=Info.State.ACTIVE,
            permission=models.ParticipantPermission(can_publish_data=True),
        )
    )
    assert (participant.sid, participant.identity, participant.name, participant.metadata) == (
        "PA_1",
        "bot",
        "Bot",
        "m",
    )
    assert participant.attributes == {"a": "1"}
    assert participant.kind == ParticipantKind.PARTICIPANT_KIND_AGENT
    assert participant.kind_details == [ParticipantKindDetail.PARTICIPANT_KIND_DETAIL_CLOUD_AGENT]
    assert participant.state == ParticipantState.PARTICIPANT_STATE_ACTIVE
    assert participant.permissions.can_publish_data
    assert repr(participant) == "rtc.RemoteParticipant(sid=PA_1, identity=bot, name=Bot)"


def test_changing_the_attributes_copy_leaves_the_participant_unchanged() -> None:
    participant = remote(Info(attributes={"a": "1"}))
    participant.attributes["a"] = "2"
    assert participant.attributes == {"a": "1"}


def test_kinds_and_states_of_newer_servers_have_defaults() -> None:
    participant = remote(Info(kind=99, state=99))  # type: ignore[arg-type]  # unknown to this version
    assert participant.kind == ParticipantKind.PARTICIPANT_KIND_STANDARD
    assert participant.state == ParticipantState.PARTICIPANT_STATE_JOINING


@pytest.mark.parametrize(
    ("info", "joined_at"),
    [
        (Info(), None),
        (Info(joined_at=60), datetime(1970, 1, 1, 0, 1, tzinfo=timezone.utc)),
        (Info(joined_at=60, joined_at_ms=60_500), datetime(1970, 1, 1, 0, 1, 0, 500_000, tzinfo=timezone.utc)),
    ],
)
def test_joined_at_is_in_utc_and_prefers_milliseconds(info: models.ParticipantInfo, joined_at: datetime | None) -> None:
    assert remote(info).joined_at == joined_at


def test_disconnect_reason_is_none_while_in_the_room() -> None:
    assert remote(Info()).disconnect_reason is None
    left = remote(Info(disconnect_reason=models.DisconnectReason.ROOM_DELETED))
    assert left.disconnect_reason == DisconnectReason.ROOM_DELETED


def test_connection_quality_follows_the_record() -> None:
    record = ParticipantRecord(Info())
    participant = RemoteParticipant(record)
    qualities = [participant.connection_quality]
    record.connection_quality = ConnectionQuality.QUALITY_GOOD
    assert [*qualities, participant.connection_quality] == [
        ConnectionQuality.QUALITY_UNKNOWN,
        ConnectionQuality.QUALITY_GOOD,
    ]


def test_track_publications_are_keyed_by_sid() -> None:
    tracks = [models.TrackInfo(sid="TR_1", name="mic"), models.TrackInfo(sid="TR_2", name="cam")]
    record = ParticipantRecord(Info(), publications={track.sid: RemoteTrackPublication(track) for track in tracks})
    remotes = RemoteParticipant(record).track_publications
    record = ParticipantRecord(Info(), publications={track.sid: LocalTrackPublication(track) for track in tracks})
    local = LocalParticipant(record, LocalConnection(), LocalRpc()).track_publications
    assert {sid: track.name for sid, track in remotes.items()} == {"TR_1": "mic", "TR_2": "cam"}
    assert {sid: track.name for sid, track in local.items()} == {"TR_1": "mic", "TR_2": "cam"}
    assert isinstance(remotes["TR_1"], RemoteTrackPublication)
    assert isinstance(local["TR_1"], LocalTrackPublication)


def test_participant_is_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Participant(ParticipantRecord(Info()))  # type: ignore[abstract]
