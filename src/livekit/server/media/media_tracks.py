"""Media tracks of a room: publication, subscriptions and permissions. Sections and packets are elsewhere. No I/O."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from livekit.protocol import models, rtc
from livekit.server import limits
from livekit.server.events import TrackPublished, TrackUnpublished
from livekit.server.participant import DISCONNECTED, Participant
from livekit.server.room_services import RoomServices

from .participant_media import PendingTracks
from .published_track import PublishedTrack, Subscription
from .track_info import new_track_info

if TYPE_CHECKING:
    from .speakers import SpeakerDetector
    from .track_streams import TrackStreams

__all__ = ["MediaTracks"]

logger = logging.getLogger(__name__)

NOT_FOUND_TIMEOUT = 60.0
"""Seconds that a subscription waits for its track to be published, as on livekit-server 1.13.5."""
SPEAKERS_INTERVAL = 0.39
"""Shortest time between two updates of the speakers, in seconds; the timers of publishers call each 0.4 s."""
_Reason = rtc.RequestResponse.Reason


class MediaTracks:
    """The tracks of a room's participants, and who receives them."""

    def __init__(
        self,
        participants: Mapping[str, Participant],
        services: RoomServices,
        *,
        announce: Callable[[Participant], None],
        room_info: Callable[[], models.Room],
    ) -> None:
        """`participants` is the room's own table, by identity; `announce` sends a participant's info to all."""
        self._participants = participants
        self._services = services
        self._announce = announce
        self._room_info = room_info
        self._tracks: dict[str, PublishedTrack] = {}
        self._speakers: SpeakerDetector | None = None
        self._speakers_due = 0.0

    @property
    def tracks(self) -> Iterable[PublishedTrack]:
        """All published tracks."""
        return self._tracks.values()

    # Publication

    def add_track(self, participant: Participant, request: rtc.AddTrackRequest) -> None:
        """Accept a request to publish a track, or refuse it; the track is published once its section is negotiated."""
        reason, message = self._check_add(participant, request)
        if reason != _Reason.OK:
            _refuse(participant, rtc.RequestResponse(reason=reason, message=message, add_track=request))
            return
        media = participant.media
        if request.sid:
            track = media.published[request.sid]
            _send_published(participant, request.cid, track.info)
            return
        info = new_track_info(request, self._services.new_sid)
        pending = media.pending.get(request.cid)
        if pending is not None:
            info.sid = pending.infos[0].sid
            pending.infos.append(info)
        elif any(track.has_cid(request.cid) for track in media.published.values()):
            media.pending[request.cid] = PendingTracks(info, is_queued=True)
        else:
            media.pending[request.cid] = PendingTracks(info, is_queued=False)
            _send_published(participant, request.cid, info)
            return
        _refuse(participant, rtc.RequestResponse(reason=_Reason.QUEUED, add_track=request))

    def _check_add(
        self, participant: Participant, request: rtc.AddTrackRequest
    ) -> tuple[rtc.RequestResponse.Reason, str]:
        media = participant.media
        if not participant.may_publish_source(request.source):
            return _Reason.NOT_ALLOWED, ""
        if request.type not in (models.TrackType.AUDIO, models.TrackType.VIDEO):
            return _Reason.UNSUPPORTED_TYPE, ""
        if request.sid:
            return (_Reason.OK, "") if request.sid in media.published else (_Reason.NOT_FOUND, "")
        if media.track_count >= limits.MAX_TRACKS:
            return _Reason.LIMIT_EXCEEDED, f"a participant can publish {limits.MAX_TRACKS} tracks"
        if request.ByteSize() > limits.MAX_TRACK_INFO:
            return _Reason.LIMIT_EXCEEDED, f"a track can be described in {limits.MAX_TRACK_INFO} bytes"
        return _Reason.OK, ""

    def publish(
        self,
        participant: Participant,
        cid: str,
        *,
        stream_cid: str,
        mid: str,
        mime_type: str,
        streams: TrackStreams | None,
        now: float,
    ) -> PublishedTrack | None:
        """Publish the pending track of a cid, whose section is negotiated; announce it, and subscribe the others.

        Returns None if it may not be published any more. `stream_cid` is the track's id in the section, and `streams`
        receives the packets.
        """
        media = participant.media
        info = media.pop_pending(cid)
        if not participant.may_publish_source(info.source):
            _send_unpublished(participant, info.sid)
            return None
        info.mime_type, info.mid = mime_type, mid
        info.version.unix_micro = int(self._services.wall_time(now) * 1_000_000)
        if info.codecs:
            primary = info.codecs[0]
            primary.mime_type, primary.mid = primary.mime_type or mime_type, mid
            primary.sdp_cid = stream_cid if stream_cid != primary.cid else ""
        track = PublishedTrack(info, cid, participant.identity, participant.sid)
        track.streams = streams
        media.published[info.sid] = self._tracks[info.sid] = track
        participant.update_track_info()
        self._announce(participant)
        self._emit_published(participant, track)
        self._subscribe_others(participant, track, now)
        return track

    def unpublish(self, participant: Participant, track_sid: str) -> None:
        """End a published track and its subscriptions, and announce that."""
        if track_sid in participant.media.published:
            self._end(participant, track_sid)
            participant.update_track_info()
            self._announce(participant)

    def mute(self, participant: Participant, request: rtc.MuteTrackRequest) -> models.TrackInfo | None:
        """Mute or unmute a pending or published track; announce a change. Returns None if there is no such track."""
        info = self._info_of(participant, request.sid)
        if info is not None and info.muted != request.muted:
            info.muted = request.muted
            self._info_changed(participant, request.sid)
            self._update_subscribers(request.sid)
        return info

    def update_audio_track(self, participant: Participant, update: rtc.UpdateLocalAudioTrack) -> bool:
        """Change the features of an audio track; return False if there is no such track."""
        info = self._info_of(participant, update.track_sid)
        if info is None:
            return False
        feature = models.AudioTrackFeature
        info.audio_features[:] = dict.fromkeys(update.features)
        info.stereo = feature.TF_STEREO in update.features
        info.disable_dtx = feature.TF_NO_DTX in update.features
        self._info_changed(participant, update.track_sid)
        return True

    def update_video_track(self, participant: Participant, update: rtc.UpdateLocalVideoTrack) -> bool:
        """Change the size of a video track; return False if there is no such track."""
        info = self._info_of(participant, update.track_sid)
        if info is None:
            return False
        info.width, info.height = update.width, update.height
        self._info_changed(participant, update.track_sid)
        return True

    # Subscription

    def update_subscriptions(self, subscriber: Participant, request: rtc.UpdateSubscription, now: float) -> None:
        """Subscribe to tracks, or unsubscribe from them."""
        sids = [*request.track_sids, *(sid for tracks in request.participant_tracks for sid in tracks.track_sids)]
        for sid in dict.fromkeys(sids):
            if request.subscribe:
                self._subscribe(subscriber, sid, now)
            else:
                self._unsubscribe(subscriber, sid)

    def update_settings(self, subscriber: Participant, request: rtc.UpdateTrackSettings) -> None:
        """Change how a participant receives tracks, for the subscriptions that it has or will have."""
        settings = subscriber.media.settings
        for sid in request.track_sids:
            if sid in settings or len(settings) < limits.MAX_SUBSCRIPTIONS:
                settings[sid] = request
        subscriber.link.update_media()

    def update_permissions(self, publisher: Participant, request: rtc.SubscriptionPermission) -> None:
        """Replace the permissions to subscribe to a publisher's tracks; apply them to existing subscriptions."""
        if not publisher.media.permissions.update(request, self._identity_of):
            return
        for track in publisher.media.published.values():
            for subscriber in self._participants.values():
                subscription = subscriber.media.subscriptions.get(track.sid)
                if subscription is not None:
                    self._reconcile(subscriber, subscription)

    def joined(self, participant: Participant, now: float) -> None:
        """Subscribe a new participant to all tracks, if it wants that."""
        if participant.media.auto_subscribe:
            for track in list(self._tracks.values()):
                if track.publisher_identity != participant.identity:
                    self._subscribe(participant, track.sid, now)

    def subscribed(self, subscription: Subscription) -> None:
        """Note that a subscription's section is negotiated; tell the publisher of the first one."""
        track = subscription.track
        if track is not None and not track.was_subscribed:
            track.was_subscribed = True
            publisher = self._participants.get(track.publisher_identity)
            if publisher is not None:
                message = rtc.TrackSubscribed(track_sid=track.sid)
                publisher.link.send_signal(rtc.SignalResponse(track_subscribed=message))

    def codec_unsupported(self, subscriber: Participant, subscription: Subscription) -> None:
        """End a subscription whose section has no codec in common with the track."""
        self._unsubscribe(subscriber, subscription.track_sid)
        _send_subscription_error(subscriber, subscription.track_sid, models.SubscriptionError.SE_CODEC_UNSUPPORTED)

    def sync(self, participant: Participant, state: rtc.SyncState, now: float) -> bool:
        """Apply the state of a client that has resumed; return False if it publishes tracks that are unknown here."""
        for published in state.publish_tracks:
            sid = published.track.sid
            if sid not in participant.media.published and participant.media.find_pending(sid) is None:
                return False
        if state.track_sids_disabled:
            self.update_settings(
                participant, rtc.UpdateTrackSettings(track_sids=state.track_sids_disabled, disabled=True)
            )
        self.update_subscriptions(participant, state.subscription, now)
        return True

    # Participants

    def permission_changed(self, participant: Participant) -> None:
        """End the tracks and subscriptions that a participant may not have any more; renew those that it may."""
        media = participant.media
        published = media.published.items()
        revoked = [sid for sid, track in published if not participant.may_publish_source(track.info.source)]
        for sid in revoked:
            self._end(participant, sid)
            _send_unpublished(participant, sid)
        if revoked:
            participant.update_track_info()
        for subscription in media.subscriptions.values():
            self._reconcile(participant, subscription)

    def remove(self, participant: Participant) -> None:
        """Drop the publications and subscriptions of a participant that left the room."""
        if participant.media.published:
            for sid in list(participant.media.published):
                self._end(participant, sid)
            participant.update_track_info()
        self._drop_subscriptions(participant)

    def move_out(self, participant: Participant) -> None:
        """Drop a participant's subscriptions, and those to its tracks, which move with it."""
        for track in participant.media.published.values():
            self._drop(participant, track)
        self._drop_subscriptions(participant)

    def move_in(self, participant: Participant) -> None:
        """Adopt the tracks of a participant from another room; `announced` completes that."""
        for track in participant.media.published.values():
            track.publisher_sid = participant.sid
            self._tracks[track.sid] = track

    def announced(self, participant: Participant, now: float) -> None:
        """Subscribe the others to the tracks that a participant brought with it."""
        for track in list(participant.media.published.values()):
            self._emit_published(participant, track)
            self._subscribe_others(participant, track, now)

    def tick(self, now: float) -> None:
        """Give up subscriptions to tracks that were not published in time; call it about once per second."""
        if self._speakers is not None:
            self.update_speakers(now)
        for subscriber in self._participants.values():
            subscriptions = subscriber.media.subscriptions
            if not subscriptions:
                continue
            for sid in [
                sid
                for sid, subscription in subscriptions.items()
                if sid not in self._tracks and now - subscription.requested_at >= NOT_FOUND_TIMEOUT
            ]:
                del subscriptions[sid]
                _send_subscription_error(subscriber, sid, models.SubscriptionError.SE_TRACK_NOTFOUND)

    # Speakers

    def update_speakers(self, now: float) -> None:
        """Tell the participants who speaks, if that has changed; call it often while audio is published."""
        if self._speakers is None:
            from .speakers import SpeakerDetector

            self._speakers = SpeakerDetector()
        if now < self._speakers_due:
            return
        self._speakers_due = now + SPEAKERS_INTERVAL
        changed = self._speakers.update(self._levels(now))
        if not changed:
            return
        infos = {each.sid: models.SpeakerInfo(sid=each.sid, level=each.level, active=each.active) for each in changed}
        publishers = {p.identity: p.sid for p in self._participants.values() if p.sid in infos}
        gone = [info for sid, info in infos.items() if sid not in publishers.values()]
        for listener in self._participants.values():
            heard = [
                infos[sid]
                for identity, sid in publishers.items()
                if identity == listener.identity or listener.media.is_subscribed_to(identity)
            ]
            if heard or gone:
                message = rtc.SpeakersChanged(speakers=[*heard, *gone])
                listener.link.send_signal(rtc.SignalResponse(speakers_changed=message))

    def _levels(self, now: float) -> dict[str, float]:
        """Return the levels of the participants' microphones, by participant sid."""
        levels: dict[str, float] = {}
        for track in self._tracks.values():
            if track.streams is not None and track.info.type == models.TrackType.AUDIO and not track.info.muted:
                levels[track.publisher_sid] = max(track.streams.level(now), levels.get(track.publisher_sid, 0.0))
        return levels

    # Internals

    def _update_subscribers(self, track_sid: str) -> None:
        track = self._tracks.get(track_sid)
        for identity in track.subscriptions if track is not None else ():
            subscriber = self._participants.get(identity)
            if subscriber is not None:
                subscriber.link.update_media()

    def _subscribe_others(self, publisher: Participant, track: PublishedTrack, now: float) -> None:
        for subscriber in list(self._participants.values()):
            if subscriber is publisher or subscriber.state == DISCONNECTED:
                continue
            waiting = subscriber.media.subscriptions.get(track.sid)
            if waiting is not None:
                self._reconcile(subscriber, waiting)
            elif subscriber.media.auto_subscribe:
                self._subscribe(subscriber, track.sid, now)

    def _subscribe(self, subscriber: Participant, track_sid: str, now: float) -> None:
        subscriptions = subscriber.media.subscriptions
        if track_sid in subscriber.media.published:
            return
        if track_sid not in subscriptions:
            if len(subscriptions) >= limits.MAX_SUBSCRIPTIONS:
                logger.debug("%r has the maximum number of subscriptions", subscriber)
                return
            subscriptions[track_sid] = Subscription(track_sid, now)
        self._reconcile(subscriber, subscriptions[track_sid])

    def _unsubscribe(self, subscriber: Participant, track_sid: str) -> None:
        subscription = subscriber.media.subscriptions.pop(track_sid, None)
        subscriber.media.settings.pop(track_sid, None)
        if subscription is not None:
            _disconnect(subscriber, subscription)

    def _reconcile(self, subscriber: Participant, subscription: Subscription) -> None:
        """Connect a subscription to its track if it exists and permissions allow that; disconnect it otherwise."""
        track = self._tracks.get(subscription.track_sid)
        publisher = None if track is None else self._participants.get(track.publisher_identity)
        if track is None or publisher is None or not subscriber.permission.can_subscribe:
            _disconnect(subscriber, subscription)
            return
        is_allowed = subscriber.permission.recorder or publisher.media.permissions.allows(
            subscriber.identity, track.sid
        )
        if not is_allowed:
            _disconnect(subscriber, subscription)
        if subscription.is_allowed != is_allowed:
            subscription.is_allowed = is_allowed
            update = rtc.SubscriptionPermissionUpdate(
                participant_sid=publisher.sid, track_sid=track.sid, allowed=is_allowed
            )
            subscriber.link.send_signal(rtc.SignalResponse(subscription_permission_update=update))
        if is_allowed and subscription.track is None:
            subscription.track = track
            track.subscriptions[subscriber.identity] = subscription
            subscriber.link.update_media()

    def _end(self, publisher: Participant, track_sid: str) -> None:
        track = publisher.media.published.pop(track_sid)
        track.disconnect()
        self._drop(publisher, track)
        queued = publisher.media.pending.get(track.cid)
        if queued is not None and queued.is_queued and publisher.state != DISCONNECTED:
            queued.is_queued = False
            _send_published(publisher, track.cid, queued.infos[0])

    def _drop(self, publisher: Participant, track: PublishedTrack) -> None:
        """Remove a track from the room and end its subscriptions."""
        self._tracks.pop(track.sid, None)
        for identity in list(track.subscriptions):
            subscriber = self._participants.get(identity)
            if subscriber is not None:
                self._unsubscribe(subscriber, track.sid)
        track.subscriptions.clear()
        self._services.emit(
            lambda: TrackUnpublished(room=self._room_info(), participant=publisher.info(), track=track.info)
        )

    def _drop_subscriptions(self, subscriber: Participant) -> None:
        for sid in list(subscriber.media.subscriptions):
            self._unsubscribe(subscriber, sid)
        subscriber.media.settings.clear()

    def _info_of(self, participant: Participant, track_sid: str) -> models.TrackInfo | None:
        track = participant.media.published.get(track_sid)
        return participant.media.find_pending(track_sid) if track is None else track.info

    def _info_changed(self, participant: Participant, track_sid: str) -> None:
        if track_sid in participant.media.published:
            participant.update_track_info()
            self._announce(participant)

    def _emit_published(self, publisher: Participant, track: PublishedTrack) -> None:
        self._services.emit(
            lambda: TrackPublished(room=self._room_info(), participant=publisher.info(), track=track.info)
        )

    def _identity_of(self, sid: str) -> str | None:
        return next((p.identity for p in self._participants.values() if p.sid == sid), None)


def _disconnect(subscriber: Participant, subscription: Subscription) -> None:
    track, subscription.track = subscription.track, None
    if track is not None:
        track.subscriptions.pop(subscriber.identity, None)
        subscriber.link.update_media()


def _refuse(participant: Participant, response: rtc.RequestResponse) -> None:
    participant.link.send_signal(rtc.SignalResponse(request_response=response))


def _send_published(participant: Participant, cid: str, info: models.TrackInfo) -> None:
    published = rtc.TrackPublishedResponse(cid=cid, track=info)
    participant.link.send_signal(rtc.SignalResponse(track_published=published))


def _send_unpublished(participant: Participant, track_sid: str) -> None:
    unpublished = rtc.TrackUnpublishedResponse(track_sid=track_sid)
    participant.link.send_signal(rtc.SignalResponse(track_unpublished=unpublished))


def _send_subscription_error(subscriber: Participant, track_sid: str, error: models.SubscriptionError) -> None:
    response = rtc.SubscriptionResponse(track_sid=track_sid, err=error)
    subscriber.link.send_signal(rtc.SignalResponse(subscription_response=response))
