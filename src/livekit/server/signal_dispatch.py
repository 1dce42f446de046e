"""Dispatch of a participant's signal requests by kind.

Session descriptions and ICE candidates belong to the transport: the link handles them itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from livekit.protocol import models, rtc

from . import limits
from .participant import Participant
from .permissions import attributes_size
from .responses import DisconnectReason
from .room import Room
from .simulated_scenarios import simulate

logger = logging.getLogger(__name__)

_OK_RESPONSES_SINCE = 15
"""First protocol version whose clients expect a response to a successful request as well."""

_LEAVE_REASONS = frozenset(
    {
        DisconnectReason.CLIENT_INITIATED,
        DisconnectReason.USER_UNAVAILABLE,
        DisconnectReason.USER_REJECTED,
        DisconnectReason.AGENT_ERROR,
    }
)
"""Reasons that a leaving client may report."""

Handler = Callable[[Room, Participant, rtc.SignalRequest, float], None]


def handle(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    """Handle a signal request of a participant; unknown ones are ignored."""
    if participant.state == models.ParticipantInfo.DISCONNECTED:
        return
    participant.last_signal_at = now
    kind = request.WhichOneof("message")
    handler = _HANDLERS.get(kind or "")
    if handler is None:
        logger.debug("ignoring a signal request of kind %s from %r", kind, participant)
        return
    handler(room, participant, request, now)


def _ping(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    participant.link.send_signal(rtc.SignalResponse(pong=room.wall_time_ms(now)))


def _ping_req(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    pong = rtc.Pong(last_ping_timestamp=request.ping_req.timestamp, timestamp=room.wall_time_ms(now))
    participant.link.send_signal(rtc.SignalResponse(pong_resp=pong))


def _leave(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    reason = request.leave.reason
    room.remove(participant, reason if reason in _LEAVE_REASONS else DisconnectReason.CLIENT_INITIATED, now)


def _sync_state(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    received = {state.publisher_sid: state.last_seq for state in request.sync_state.datachannel_receive_states}
    participant.set_received(received)
    room.flush(participant, now)
    if participant.state != models.ParticipantInfo.DISCONNECTED and not room.media.sync(
        participant, request.sync_state, now
    ):
        room.request_full_reconnect(participant, now)


def _update_metadata(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    update = request.update_metadata
    response = rtc.RequestResponse(request_id=update.request_id, update_metadata=update)
    response.reason, response.message = _check_update(participant, update)
    if response.reason == rtc.RequestResponse.OK:
        room.update_participant(
            participant, now, name=update.name, metadata=update.metadata, attributes=update.attributes
        )
    _respond(participant, response)


def _check_update(
    participant: Participant, update: rtc.UpdateParticipantMetadata
) -> tuple[rtc.RequestResponse.Reason, str]:
    if not participant.permission.can_update_metadata:
        return rtc.RequestResponse.NOT_ALLOWED, "does not have permission to update own metadata"
    if len(update.name.encode()) > limits.MAX_NAME:
        return rtc.RequestResponse.LIMIT_EXCEEDED, "exceeds name length limit"
    if len(update.metadata.encode()) > limits.MAX_METADATA:
        return rtc.RequestResponse.LIMIT_EXCEEDED, "exceeds metadata size limit"
    merged = participant.merged_attributes(update.attributes)
    if (
        attributes_size(update.attributes) > limits.MAX_ATTRIBUTES
        or attributes_size(merged) > limits.MAX_ALL_ATTRIBUTES
    ):
        return rtc.RequestResponse.LIMIT_EXCEEDED, "exceeds attributes size limit"
    return rtc.RequestResponse.OK, ""


def _add_track(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    room.media.add_track(participant, request.add_track)


def _mute(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    if room.media.mute(participant, request.mute) is None:
        _respond(participant, rtc.RequestResponse(reason=rtc.RequestResponse.NOT_FOUND, mute=request.mute))


def _subscription(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    room.media.update_subscriptions(participant, request.subscription, now)


def _track_setting(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    room.media.update_settings(participant, request.track_setting)


def _subscription_permission(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    room.media.update_permissions(participant, request.subscription_permission)


def _update_audio_track(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    update = request.update_audio_track
    if not room.media.update_audio_track(participant, update):
        _respond(participant, rtc.RequestResponse(reason=rtc.RequestResponse.NOT_FOUND, update_audio_track=update))


def _update_video_track(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    update = request.update_video_track
    if not room.media.update_video_track(participant, update):
        _respond(participant, rtc.RequestResponse(reason=rtc.RequestResponse.NOT_FOUND, update_video_track=update))


def _publish_data_track(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    response = room.data_tracks.publish(participant, request.publish_data_track_request)
    participant.link.send_signal(response)
    if response.HasField("publish_data_track_response"):
        room.announce(participant, to_itself=True)
        room.data_tracks.subscribe_others(participant, response.publish_data_track_response.info.sid)


def _unpublish_data_track(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    response = room.data_tracks.unpublish(participant, request.unpublish_data_track_request)
    participant.link.send_signal(response)
    if response.HasField("unpublish_data_track_response"):
        room.announce(participant, to_itself=True)


def _update_data_subscription(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    room.data_tracks.update_subscriptions(participant, request.update_data_subscription)


def _respond(participant: Participant, response: rtc.RequestResponse) -> None:
    if response.reason == rtc.RequestResponse.OK and participant.client.protocol < _OK_RESPONSES_SINCE:
        return
    participant.link.send_signal(rtc.SignalResponse(request_response=response))


_HANDLERS: dict[str, Handler] = {
    "ping": _ping,
    "ping_req": _ping_req,
    "leave": _leave,
    "sync_state": _sync_state,
    "update_metadata": _update_metadata,
    "simulate": simulate,
    "add_track": _add_track,
    "mute": _mute,
    "subscription": _subscription,
    "track_setting": _track_setting,
    "subscription_permission": _subscription_permission,
    "update_audio_track": _update_audio_track,
    "update_video_track": _update_video_track,
    "publish_data_track_request": _publish_data_track,
    "unpublish_data_track_request": _unpublish_data_track,
    "update_data_subscription": _update_data_subscription,
}
