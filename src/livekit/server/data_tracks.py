"""Data tracks: who publishes which, who subscribed to them, and the way of their packets. No I/O."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from livekit.datatracks.packet import MAX_HANDLE, handle_of, with_handle
from livekit.protocol import models, rtc

from . import limits
from .traffic import TRACK

if TYPE_CHECKING:
    from .participant import Participant
    from .room import Room

logger = logging.getLogger(__name__)

_Reason = rtc.RequestResponse.Reason


class DataTracks:
    """The data tracks of one participant: those that it publishes, and those that it subscribed to."""

    def __init__(self) -> None:
        self.published: dict[int, models.DataTrackInfo] = {}
        """By the publisher's handle."""
        self.subscribers: dict[str, dict[str, int]] = {}
        """By the sid of a published track: the subscribers' identities and their handles."""
        self.handles: dict[int, rtc.DataTrackSubscriberHandles.PublishedDataTrack] = {}
        """What this participant receives, by its own handles."""
        self._last_handle = 0

    def new_handle(self) -> int:
        while True:
            self._last_handle = self._last_handle % MAX_HANDLE + 1
            if self._last_handle not in self.handles:
                return self._last_handle


def publish(room: Room, participant: Participant, request: rtc.PublishDataTrackRequest) -> rtc.SignalResponse:
    """Take a track on; the answer tells its sid, or why not."""
    reason, message = _refusal(participant, request)
    if reason != _Reason.OK:
        refusal = rtc.RequestResponse(reason=reason, message=message, publish_data_track=request)
        return rtc.SignalResponse(request_response=refusal)
    info = models.DataTrackInfo(
        pub_handle=request.pub_handle, sid=room.new_sid("DTR_"), name=request.name, encryption=request.encryption
    )
    if request.HasField("frame_encoding"):
        info.frame_encoding.CopyFrom(request.frame_encoding)
    if request.HasField("schema"):
        info.schema.CopyFrom(request.schema)
    participant.data_tracks.published[request.pub_handle] = info
    participant.data_tracks.subscribers[info.sid] = {}
    participant.data_tracks_changed()
    return rtc.SignalResponse(publish_data_track_response=rtc.PublishDataTrackResponse(info=info))


def _refusal(participant: Participant, request: rtc.PublishDataTrackRequest) -> tuple[rtc.RequestResponse.Reason, str]:
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


def unpublish(room: Room, participant: Participant, request: rtc.UnpublishDataTrackRequest) -> rtc.SignalResponse:
    """End a track; its subscribers learn that they have it no longer."""
    info = participant.data_tracks.published.pop(request.pub_handle, None)
    if info is None:
        refusal = rtc.RequestResponse(reason=_Reason.NOT_FOUND, unpublish_data_track=request)
        return rtc.SignalResponse(request_response=refusal)
    _drop_subscribers(room, participant, info.sid)
    participant.data_tracks_changed()
    return rtc.SignalResponse(unpublish_data_track_response=rtc.UnpublishDataTrackResponse(info=info))


def update_subscriptions(room: Room, subscriber: Participant, request: rtc.UpdateDataSubscription) -> None:
    """Subscribe, unsubscribe, and tell the subscriber its handles."""
    for update in request.updates:
        publisher = _publisher(room, update.track_sid)
        if publisher is None or not subscriber.permission.can_subscribe:
            logger.debug("%r asks for the data track %s, which it cannot have", subscriber, update.track_sid)
            continue
        subscribers = publisher.data_tracks.subscribers[update.track_sid]
        if not update.subscribe:
            subscriber.data_tracks.handles.pop(subscribers.pop(subscriber.identity, 0), None)
        elif subscriber.identity not in subscribers:
            handle = subscribers[subscriber.identity] = subscriber.data_tracks.new_handle()
            subscriber.data_tracks.handles[handle] = rtc.DataTrackSubscriberHandles.PublishedDataTrack(
                publisher_identity=publisher.identity, publisher_sid=publisher.sid, track_sid=update.track_sid
            )
    _tell_handles(subscriber)


def forward(room: Room, sender: Participant, data: bytes, now: float) -> None:
    """Send a packet on to who subscribed to its track; what belongs to none is dropped."""
    info = sender.data_tracks.published.get(handle_of(data))
    if info is None or len(data) > limits.MAX_PACKET or not sender.permission.can_publish_data:
        room.traffic.dropped += 1
        return
    subscribers = sender.data_tracks.subscribers[info.sid]
    room.traffic.received[TRACK].add(1, len(data))
    room.traffic.sent[TRACK].add(len(subscribers), len(data))
    if room.packet_observer is not None:
        room.packet_observer.track_forwarded(
            sender, [room.participants[identity] for identity in subscribers], len(data), now
        )
    for identity, handle in subscribers.items():
        room.participants[identity].send_track_packet(with_handle(data, handle))


def remove(room: Room, participant: Participant) -> None:
    """A participant is gone, with what it published and subscribed to."""
    for sid in list(participant.data_tracks.subscribers):
        _drop_subscribers(room, participant, sid)
    for track in participant.data_tracks.handles.values():
        publisher = room.participants.get(track.publisher_identity)
        if publisher is not None:
            publisher.data_tracks.subscribers.get(track.track_sid, {}).pop(participant.identity, None)


def _publisher(room: Room, track_sid: str) -> Participant | None:
    return next((p for p in room.participants.values() if track_sid in p.data_tracks.subscribers), None)


def _drop_subscribers(room: Room, publisher: Participant, track_sid: str) -> None:
    for identity, handle in publisher.data_tracks.subscribers.pop(track_sid).items():
        subscriber = room.participants.get(identity)
        if subscriber is not None:
            subscriber.data_tracks.handles.pop(handle, None)
            _tell_handles(subscriber)


def _tell_handles(subscriber: Participant) -> None:
    handles = rtc.DataTrackSubscriberHandles(sub_handles=subscriber.data_tracks.handles)
    subscriber.link.send_signal(rtc.SignalResponse(data_track_subscriber_handles=handles))
