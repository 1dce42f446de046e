"""Data tracks of a room: publications, subscriptions, and the forwarding of their packets. No I/O."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from livekit.datatracks.packet import MAX_HANDLE, handle_of, with_handle
from livekit.protocol import models, rtc

from . import limits
from .participant import Participant
from .room_services import RoomServices
from .traffic import TRACK

logger = logging.getLogger(__name__)

_Reason = rtc.RequestResponse.Reason


class DataTrackManager:
    """Handles the data track requests of a room's participants and forwards data track packets."""

    def __init__(self, participants: Mapping[str, Participant], services: RoomServices) -> None:
        """`participants` is the room's own table, by identity."""
        self._participants = participants
        self._new_sid = services.new_sid
        self._traffic = services.traffic
        self._observer = services.packet_observer

    def publish(self, participant: Participant, request: rtc.PublishDataTrackRequest) -> rtc.SignalResponse:
        """Publish a track; return the response with its sid, or with the reason for the refusal."""
        reason, message = _check_publish(participant, request)
        if reason != _Reason.OK:
            refusal = rtc.RequestResponse(reason=reason, message=message, publish_data_track=request)
            return rtc.SignalResponse(request_response=refusal)
        info = models.DataTrackInfo(
            pub_handle=request.pub_handle, sid=self._new_sid("DTR_"), name=request.name, encryption=request.encryption
        )
        if request.HasField("frame_encoding"):
            info.frame_encoding.CopyFrom(request.frame_encoding)
        if request.HasField("schema"):
            info.schema.CopyFrom(request.schema)
        participant.data_tracks.published[request.pub_handle] = info
        participant.data_tracks.subscribers[info.sid] = {}
        participant.update_data_track_info()
        return rtc.SignalResponse(publish_data_track_response=rtc.PublishDataTrackResponse(info=info))

    def unpublish(self, participant: Participant, request: rtc.UnpublishDataTrackRequest) -> rtc.SignalResponse:
        """Unpublish a track and send its subscribers their remaining handles; return the response."""
        info = participant.data_tracks.published.pop(request.pub_handle, None)
        if info is None:
            refusal = rtc.RequestResponse(reason=_Reason.NOT_FOUND, unpublish_data_track=request)
            return rtc.SignalResponse(request_response=refusal)
        self._drop_subscribers(participant, info.sid)
        participant.update_data_track_info()
        return rtc.SignalResponse(unpublish_data_track_response=rtc.UnpublishDataTrackResponse(info=info))

    def update_subscriptions(self, subscriber: Participant, request: rtc.UpdateDataSubscription) -> None:
        """Subscribe and unsubscribe as requested, then send the subscriber all its handles."""
        for update in request.updates:
            publisher = self._publisher_of(update.track_sid)
            if publisher is None or not subscriber.permission.can_subscribe:
                logger.debug("%r cannot subscribe to data track %s", subscriber, update.track_sid)
                continue
            subscribers = publisher.data_tracks.subscribers[update.track_sid]
            if not update.subscribe:
                subscriber.data_tracks.handles.pop(subscribers.pop(subscriber.identity, 0), None)
            elif subscriber.identity not in subscribers:
                handle = subscribers[subscriber.identity] = subscriber.data_tracks.new_handle()
                subscriber.data_tracks.handles[handle] = rtc.DataTrackSubscriberHandles.PublishedDataTrack(
                    publisher_identity=publisher.identity, publisher_sid=publisher.sid, track_sid=update.track_sid
                )
        _send_handles(subscriber)

    def forward(self, sender: Participant, data: bytes, now: float) -> None:
        """Forward a packet to the subscribers of its track; drop it if it belongs to no published track."""
        info = sender.data_tracks.published.get(handle_of(data))
        if info is None or len(data) > limits.MAX_PACKET or not sender.permission.can_publish_data:
            self._traffic.dropped += 1
            return
        subscribers = sender.data_tracks.subscribers[info.sid]
        self._traffic.received[TRACK].add(1, len(data))
        self._traffic.sent[TRACK].add(len(subscribers), len(data))
        participants = self._participants
        if self._observer is not None:
            receivers = [participants[identity] for identity in subscribers]
            self._observer.track_forwarded(sender, receivers, len(data), now)
        for identity, handle in subscribers.items():
            participants[identity].send_track_packet(with_handle(data, handle))

    def remove(self, participant: Participant) -> None:
        """Drop the publications and subscriptions of a participant that left the room."""
        for sid in list(participant.data_tracks.subscribers):
            self._drop_subscribers(participant, sid)
        for track in participant.data_tracks.handles.values():
            publisher = self._participants.get(track.publisher_identity)
            if publisher is not None:
                publisher.data_tracks.subscribers.get(track.track_sid, {}).pop(participant.identity, None)

    def _publisher_of(self, track_sid: str) -> Participant | None:
        return next((p for p in self._participants.values() if track_sid in p.data_tracks.subscribers), None)

    def _drop_subscribers(self, publisher: Participant, track_sid: str) -> None:
        for identity, handle in publisher.data_tracks.subscribers.pop(track_sid).items():
            subscriber = self._participants.get(identity)
            if subscriber is not None:
                subscriber.data_tracks.handles.pop(handle, None)
                _send_handles(subscriber)


def _check_publish(
    participant: Participant, request: rtc.PublishDataTrackRequest
) -> tuple[rtc.RequestResponse.Reason, str]:
    published = participant.data_tracks.published
    if not participant.permission.can_publish_data:
        return _Reason.NOT_ALLOWED, "does not have permission to publish data"
    if not 0 < request.pub_handle <= MAX_HANDLE:
        return _Reason.INVALID_HANDLE, "handle should be from 1 to 65535"
    if not request.name or len(request.name.encode()) > limits.MAX_NAME:
        return _Reason.INVALID_NAME, f"name should be 1 to {limits.MAX_NAME} bytes long"
    if len(published) >= limits.MAX_DATA_TRACKS:
        return _Reason.LIMIT_EXCEEDED, f"a participant can publish {limits.MAX_DATA_TRACKS} data tracks"
    if request.ByteSize() > limits.MAX_DATA_TRACK_INFO:
        return _Reason.INVALID_REQUEST, f"a data track can be described in {limits.MAX_DATA_TRACK_INFO} bytes"
    if request.pub_handle in published:
        return _Reason.DUPLICATE_HANDLE, "a data track with the same handle exists"
    if any(info.name == request.name for info in published.values()):
        return _Reason.DUPLICATE_NAME, "a data track with the same name exists"
    return _Reason.OK, ""


def _send_handles(subscriber: Participant) -> None:
    handles = rtc.DataTrackSubscriberHandles(sub_handles=subscriber.data_tracks.handles)
    subscriber.link.send_signal(rtc.SignalResponse(data_track_subscriber_handles=handles))
