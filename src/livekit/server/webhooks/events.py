"""Conversion of room events to webhook events."""

from __future__ import annotations

from google.protobuf.json_format import MessageToJson

from livekit.protocol import models, webhook
from livekit.server.events import (
    ParticipantJoined,
    ParticipantLeft,
    RoomEvent,
    RoomFinished,
    RoomStarted,
    TrackPublished,
    TrackUnpublished,
)

CONTENT_TYPE = "application/webhook+json"


def to_webhook(event: RoomEvent, *, event_id: str, wall_time: float) -> webhook.WebhookEvent:
    """Return the webhook event for a room event at the Unix time `wall_time`."""
    webhook_event = webhook.WebhookEvent(event=_name(event), room=event.room, id=event_id, created_at=int(wall_time))
    if isinstance(event, (ParticipantJoined, ParticipantLeft)):
        webhook_event.participant.CopyFrom(event.participant)
    elif isinstance(event, (TrackPublished, TrackUnpublished)):
        # As from livekit-server 1.13.5, these name the room and the participant only.
        webhook_event.room.CopyFrom(models.Room(sid=event.room.sid, name=event.room.name))
        participant = models.ParticipantInfo(sid=event.participant.sid, identity=event.participant.identity)
        webhook_event.participant.CopyFrom(participant)
        webhook_event.track.CopyFrom(event.track)
    return webhook_event


def to_body(event: webhook.WebhookEvent) -> bytes:
    """Return the request body, over which the signature is computed."""
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
    TrackPublished: "track_published",
    TrackUnpublished: "track_unpublished",
}
