"""Data tracks of a room: publications, subscriptions, and the forwarding of their packets. No I/O."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping

from livekit.datatracks.packet import MAX_HANDLE, handle_of, with_handle
from livekit.protocol import models, rtc

from . import limits
from .participant import ACTIVE, Participant
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

    def subscribe_others(self, publisher: Participant, track_sid: str) -> None:
        """Subscribe every other participant with `auto_subscribe` to a new track; call it after its announcement."""
        for subscriber in self._participants.values():
            if subscriber is not publisher and subscriber.state == ACTIVE and subscriber.data_tracks.auto_subscribe:
                self._subscribe_to(subscriber, {track_sid})

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
            if publisher is None:
                logger.debug("%r names no published data track: %s", subscriber, update.track_sid)
            elif update.subscribe:
                _subscribe(subscriber, publisher, update.track_sid)
            else:
                _unsubscribe(subscriber, publisher, update.track_sid)
        _send_handles(subscriber)

    def activate(self, subscriber: Participant) -> None:
        """Subscribe a participant with `auto_subscribe`, which can receive packets from now on, to all tracks."""
        if subscriber.data_tracks.auto_subscribe:
            self._subscribe_to(
                subscriber, {sid for p in self._participants.values() for sid in p.data_tracks.subscribers}
            )

    def permission_changed(self, participant: Participant) -> None:
        """Apply a participant's new permissions to its tracks and subscriptions.

        Without the permission to publish data, its tracks end. With the permission to subscribe, it receives the
        tracks that it asked for before; without, it keeps its subscriptions, as on LiveKit's server.
        """
        if not participant.permission.can_publish_data and participant.data_tracks.published:
            self._unpublish_all(participant)
        if participant.permission.can_subscribe:
            refused = participant.data_tracks.refused
            participant.data_tracks.refused = set()
            self._subscribe_to(participant, refused)

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
        self._unpublish_all(participant)
        for track in participant.data_tracks.handles.values():
            publisher = self._participants.get(track.publisher_identity)
            if publisher is not None:
                publisher.data_tracks.subscribers.get(track.track_sid, {}).pop(participant.identity, None)

    def _subscribe_to(self, subscriber: Participant, track_sids: Collection[str]) -> None:
        """Subscribe to those of the tracks that other participants publish; send the handles if that changes them."""
        before = len(subscriber.data_tracks.handles)
        for publisher in self._participants.values():
            if publisher is not subscriber:
                for sid in publisher.data_tracks.subscribers.keys() & track_sids:
                    _subscribe(subscriber, publisher, sid)
        if len(subscriber.data_tracks.handles) != before:
            _send_handles(subscriber)

    def _unpublish_all(self, publisher: Participant) -> None:
        publisher.data_tracks.published.clear()
        for sid in list(publisher.data_tracks.subscribers):
            self._drop_subscribers(publisher, sid)
        publisher.update_data_track_info()

    def _publisher_of(self, track_sid: str) -> Participant | None:
        return next((p for p in self._participants.values() if track_sid in p.data_tracks.subscribers), None)

    def _drop_subscribers(self, publisher: Participant, track_sid: str) -> None:
        for identity, handle in publisher.data_tracks.subscribers.pop(track_sid).items():
            subscriber = self._participants.get(identity)
            if subscriber is not None:
                subscriber.data_tracks.handles.pop(handle, None)
                _send_handles(subscriber)
        for participant in self._participants.values():
            participant.data_tracks.refused.discard(track_sid)


def _subscribe(subscriber: Participant, publisher: Participant, track_sid: str) -> None:
    tracks, subscribers = subscriber.data_tracks, publisher.data_tracks.subscribers[track_sid]
    if not subscriber.permission.can_subscribe:
        tracks.refused.add(track_sid)
    elif subscriber.identity not in subscribers:
        handle = subscribers[subscriber.identity] = tracks.new_handle()
        tracks.handles[handle] = rtc.DataTrackSubscriberHandles.PublishedDataTrack(
            publisher_identity=publisher.identity, publisher_sid=publisher.sid, track_sid=track_sid
        )


def _unsubscribe(subscriber: Participant, publisher: Participant, track_sid: str) -> None:
    subscribers = publisher.data_tracks.subscribers[track_sid]
    subscriber.data_tracks.refused.discard(track_sid)
    subscriber.data_tracks.handles.pop(subscribers.pop(subscriber.identity, 0), None)


def _check_publish(
    participant: Participant, request: rtc.PublishDataTrackRequest
) -> tuple[rtc.RequestResponse.Reason, str]:
    published = participant.data_tracks.published
    if not participant.permission.can_publish_data:
        return _Reason.NOT_ALLOWED, "does not have permission to publish data"
    if not 0 < request.pub_handle <= MAX_HANDLE:
        return _Reason.INVALID_HANDLE, "handle should be > 0 AND < 65536"
    if not request.name or len(request.name.encode()) > limits.MAX_NAME:
        return _Reason.INVALID_NAME, f"name should not be empty and should not exceed {limits.MAX_NAME} characters"
    if not all(0 < len(name.encode()) <= limits.MAX_CUSTOM_ENCODING for name in _custom_encodings(request)):
        return _Reason.INVALID_REQUEST, "encoding identifier is empty or exceeds the maximum length"
    if len(published) >= limits.MAX_DATA_TRACKS:
        return _Reason.LIMIT_EXCEEDED, f"a participant can publish {limits.MAX_DATA_TRACKS} data tracks"
    if request.ByteSize() > limits.MAX_DATA_TRACK_INFO:
        return _Reason.INVALID_REQUEST, f"a data track can be described in {limits.MAX_DATA_TRACK_INFO} bytes"
    if request.pub_handle in published:
        return _Reason.DUPLICATE_HANDLE, "a data track with same handle already exists"
    if any(info.name == request.name for info in published.values()):
        return _Reason.DUPLICATE_NAME, "a data track with same name already exists"
    return _Reason.OK, ""


def _custom_encodings(request: rtc.PublishDataTrackRequest) -> list[str]:
    encodings = (request.frame_encoding, request.schema.encoding)
    return [encoding.custom for encoding in encodings if encoding.HasField("custom")]


def _send_handles(subscriber: Participant) -> None:
    handles = rtc.DataTrackSubscriberHandles(sub_handles=subscriber.data_tracks.handles)
    subscriber.link.send_signal(rtc.SignalResponse(data_track_subscriber_handles=handles))
