"""What happened in a room, as the event that a webhook carries."""

from __future__ import annotations

from google.protobuf.json_format import MessageToJson

from livekit.protocol import webhook
from livekit.server.events import ParticipantJoined, ParticipantLeft, RoomEvent, RoomFinished, RoomStarted

CONTENT_TYPE = "application/webhook+json"


def to_webhook(event: RoomEvent, *, event_id: str, wall_time: float) -> webhook.WebhookEvent:
    """The webhook for `event`, which happened at the Unix time `wall_time`."""
    told = webhook.WebhookEvent(event=_name(event), room=event.room, id=event_id, created_at=int(wall_time))
    if isinstance(event, (ParticipantJoined, ParticipantLeft)):
        told.participant.CopyFrom(event.participant)
    return told


def to_body(event: webhook.WebhookEvent) -> bytes:
    """What is posted, and signed."""
    return MessageToJson(event, indent=None).encode()


def _name(event: RoomEvent) -> str:
    if isinstance(event, ParticipantLeft) and not event.was_active:
        return "participant_connection_aborted"
    return _NAMES[type(event)]


_NAMES: dict[type[RoomEvent], str] = {
    RoomStarted: "room_started",
    RoomFinished: "room_finished",
    ParticipantJoined: "participant_joined",
    ParticipantLeft: "participant_left",
}
