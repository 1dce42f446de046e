"""The tracks of other participants: announced, subscribed to, received."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from livekit._util.enum_names import enum_name
from livekit.enums import StreamState
from livekit.protocol import models, rtc

from .publications import RemoteTrackPublication
from .tracks import RemoteAudioTrack

if TYPE_CHECKING:
    from livekit.e2ee import E2EEManager
    from livekit.engine.interfaces import Engine
    from livekit.engine.media import MediaTransport, ReceivedTrack
    from livekit.participant import ParticipantRecord, RemoteParticipant
    from livekit.stats import RtcStats

    from .audio.block import TrackStream
    from .audio.receiver import AudioReceiver

__all__ = ["RemoteTracks"]

logger = logging.getLogger("livekit")

ANNOUNCEMENT_TIMEOUT = 10.0
"""Seconds that the server may send a track before it announces it, and that a track may be missing after a full
reconnect."""

_STREAM_STATES = {rtc.StreamState.ACTIVE: StreamState.STATE_ACTIVE, rtc.StreamState.PAUSED: StreamState.STATE_PAUSED}


@dataclass
class RemoteTrackState:
    """An announced track and the path of its audio."""

    participant: RemoteParticipant
    publication: RemoteTrackPublication
    receiver: AudioReceiver | None = None
    """Created with the first subscription; the streams of later ones go on with it."""
    received: ReceivedTrack | None = None
    """The section in which the server sends the track."""
    streams: weakref.WeakSet[TrackStream] = field(default_factory=weakref.WeakSet["TrackStream"])
    """Those of all subscriptions."""


class RemoteTracks:
    """Announces the tracks of other participants, and subscribes to them."""

    def __init__(self, engine: Engine, e2ee: E2EEManager, emit: Callable[..., None], *, auto_subscribe: bool) -> None:
        self._engine = engine
        self._e2ee = e2ee
        self._emit = emit
        self._auto_subscribe = auto_subscribe
        self._tracks: dict[str, RemoteTrackState] = {}
        """Announced tracks by sid."""
        self._unannounced: dict[str, tuple[ReceivedTrack, asyncio.TimerHandle]] = {}
        """Received tracks that are not announced yet, by sid."""
        self._early: list[ReceivedTrack] | None = []
        """Tracks received before the room is connected; None afterwards."""
        self._media: MediaTransport | None = None
        self._missing_timer: asyncio.TimerHandle | None = None
        self.signal_handlers: dict[str, Callable[[rtc.SignalResponse], None]] = {
            "stream_state_update": lambda m: self._on_stream_states(m.stream_state_update),
            "subscription_response": lambda m: self._on_subscription_response(m.subscription_response),
        }

    # Announcements

    def sync(self, participant: RemoteParticipant, record: ParticipantRecord, *, announce: bool = True) -> None:
        """Apply the announced tracks of a participant, and emit what changed unless `announce` is False."""
        announced = {info.sid: info for info in record.info.tracks}
        refused: list[str] = []
        for sid, info in announced.items():
            state = self._tracks.get(sid)
            if state is not None:
                self._update(state, info)
                continue
            publication = RemoteTrackPublication(info, self, wanted=self._is_wanted(info))
            self._tracks[sid] = RemoteTrackState(participant, publication)
            record.publications[sid] = publication
            if announce:
                self._emit("track_published", publication, participant)
            if publication._wanted != self._auto_subscribe:
                refused.append(sid)
            self._receive_unannounced(sid)
        if refused:
            self._send_subscription(refused, subscribe=False)
        for sid in [sid for sid in record.publications if sid not in announced]:
            self._unpublish(sid, record)

    def remove_all(self, record: ParticipantRecord) -> None:
        """End the tracks of a participant that leaves."""
        for sid in list(record.publications):
            self._unpublish(sid, record)
        record.end_audio()

    def _is_wanted(self, info: models.TrackInfo) -> bool:
        """Return True if the track is to be received. Video is not, although the server would send it."""
        return self._auto_subscribe and info.type == models.TrackType.AUDIO

    def _update(self, state: RemoteTrackState, info: models.TrackInfo) -> None:
        publication = state.publication
        was_muted = publication.muted
        publication._info = info
        if publication.track is not None:
            publication.track._info.muted = info.muted
        if info.muted != was_muted:
            self._emit("track_muted" if info.muted else "track_unmuted", state.participant, publication)

    def _unpublish(self, sid: str, record: ParticipantRecord) -> None:
        state = self._tracks.pop(sid, None)
        record.publications.pop(sid, None)
        if state is None:
            return
        self._unsubscribe(state)
        self._release(state)
        self._emit("track_unpublished", state.publication, state.participant)

    # Subscriptions

    def set_subscribed(self, publication: RemoteTrackPublication, subscribed: bool) -> None:
        """Subscribe to a track or unsubscribe from it, for `RemoteTrackPublication`. Ignored after the track's end."""
        state = self._tracks.get(publication.sid)
        if state is None or state.publication is not publication:
            return
        publication._wanted = subscribed
        self._send_subscription([publication.sid], subscribe=subscribed)
        if not subscribed:
            asyncio.get_running_loop().call_soon(self._unsubscribe_unwanted, state)
        elif state.received is not None and publication.track is None:
            self._subscribe(state, state.received)

    def _unsubscribe_unwanted(self, state: RemoteTrackState) -> None:
        if not state.publication._wanted:
            self._unsubscribe(state)

    def _send_subscription(self, sids: list[str], *, subscribe: bool) -> None:
        update = rtc.UpdateSubscription(track_sids=sids, subscribe=subscribe)
        for sid in sids:
            participant_sid = self._tracks[sid].participant.sid
            update.participant_tracks.add(participant_sid=participant_sid, track_sids=[sid])
        self._engine.send_signal(rtc.SignalRequest(subscription=update))

    def _subscribe(self, state: RemoteTrackState, received: ReceivedTrack) -> None:
        """Receive a track that the server sends; a track that is received already goes on in the new section."""
        from .audio.receiver import AudioReceiver

        publication = state.publication
        state.received = received
        if state.receiver is None:
            state.receiver = AudioReceiver()
            opener = self._e2ee.frames.opener(
                state.participant.identity,
                publication.sid,
                encrypted=publication._info.encryption != models.Encryption.NONE,
            )
            state.receiver.transform = None if opener is None else opener.open
        state.receiver.replace_transceiver(received.transceiver)
        received.rtcp.add(state.receiver)
        if publication.track is None:
            info = models.TrackInfo()
            info.CopyFrom(publication._info)
            track = publication._track = RemoteAudioTrack(info, state.receiver)
            track._audio_streams = state.streams
            track._collect_stats = lambda: self._stats(state)
            state.participant._record.update_audio()
            self._emit("track_subscribed", track, publication, state.participant)

    def _unsubscribe(self, state: RemoteTrackState) -> None:
        """Stop receiving, if the track is received. Its streams wait for the next subscription."""
        track = state.publication.track
        if state.receiver is not None:
            state.receiver.replace_transceiver(None)
            if state.received is not None:
                state.received.rtcp.remove(state.receiver)
        if track is not None:
            state.publication._track = None
            track._collect_stats = list
            state.participant._record.update_audio()
            self._emit("track_unsubscribed", track, state.publication, state.participant)

    def _release(self, state: RemoteTrackState) -> None:
        """End the streams of a track that does not come back."""
        for stream in list(state.streams):
            stream._end()
        if state.receiver is not None:
            state.receiver.close()
            self._e2ee.frames.remove(state.participant.identity, state.publication.sid)

    def stats(self) -> list[list[RtcStats]]:
        """Return the statistics of each track that is received."""
        return [self._stats(state) for state in self._tracks.values() if state.publication.subscribed]

    def _stats(self, state: RemoteTrackState) -> list[RtcStats]:
        if state.receiver is None or self._media is None:
            return []
        return [*self._media.stats(), *state.receiver.stats(asyncio.get_running_loop().time())]

    # Received tracks

    def on_transport(self, media: MediaTransport) -> None:
        """Receive the tracks of a session's media sections."""
        self._media = media
        self._early = None if self._early is None else []
        media.on_track = self._on_track
        media.on_track_ended = self._on_track_ended

    def connected(self) -> None:
        """Subscribe to the tracks that the server sent before the room was connected: their events follow that."""
        early, self._early = self._early, None
        for received in early or ():
            self._on_track(received)

    def _on_track(self, received: ReceivedTrack) -> None:
        if self._early is not None:
            self._early.append(received)
            return
        state = self._tracks.get(received.sid)
        if state is None:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(ANNOUNCEMENT_TIMEOUT, self._give_up, received)
            self._forget_unannounced(received.sid)
            self._unannounced[received.sid] = received, timer
        elif state.publication._wanted:
            self._subscribe(state, received)
        else:
            state.received = received

    def _on_track_ended(self, sid: str) -> None:
        self._early = None if self._early is None else [each for each in self._early if each.sid != sid]
        self._forget_unannounced(sid)
        state = self._tracks.get(sid)
        if state is not None:
            self._unsubscribe(state)
            state.received = None

    def _receive_unannounced(self, sid: str) -> None:
        """Receive a track that came before its announcement."""
        received = self._forget_unannounced(sid)
        if received is not None:
            self._on_track(received)

    def _forget_unannounced(self, sid: str) -> ReceivedTrack | None:
        received, timer = self._unannounced.pop(sid, (None, None))
        if timer is not None:
            timer.cancel()
        return received

    def _give_up(self, received: ReceivedTrack) -> None:
        self._unannounced.pop(received.sid, None)
        logger.warning("the server sends track %s but has not announced it", received.sid)

    # Signals

    def _on_stream_states(self, update: rtc.StreamStateUpdate) -> None:
        for each in update.stream_states:
            state = self._tracks.get(each.track_sid)
            if state is not None and state.publication.track is not None:
                state.publication.track._stream_state = _STREAM_STATES.get(each.state, StreamState.STATE_UNKNOWN)

    def _on_subscription_response(self, response: rtc.SubscriptionResponse) -> None:
        """Report a subscription that the server could not make."""
        state = self._tracks.get(response.track_sid)
        if state is not None:
            error = enum_name(models.SubscriptionError, response.err)
            self._emit("track_subscription_failed", state.participant, response.track_sid, error)

    # The connection

    def fill_sync(self, sync: rtc.SyncState) -> None:
        """Add the subscriptions that differ from the default to what a resume sends."""
        sync.subscription.subscribe = not self._auto_subscribe
        sync.subscription.track_sids.extend(self._unusual())

    def rejoined(self) -> None:
        """Subscribe again in the new session of a full reconnect, and give up tracks that it does not send in time."""
        sids = list(self._unusual())
        if sids:
            self._send_subscription(sids, subscribe=not self._auto_subscribe)
        self._stop_missing_timer()
        if any(state.publication.subscribed for state in self._tracks.values()):
            loop = asyncio.get_running_loop()
            self._missing_timer = loop.call_later(ANNOUNCEMENT_TIMEOUT, self._drop_missing)

    def _unusual(self) -> Iterable[str]:
        return (sid for sid, state in self._tracks.items() if state.publication._wanted != self._auto_subscribe)

    def _drop_missing(self) -> None:
        """Unsubscribe from the tracks that only an earlier session has received."""
        sids = () if self._media is None else self._media.received_sids
        for sid, state in self._tracks.items():
            if state.publication.subscribed and sid not in sids:
                self._unsubscribe(state)
                state.received = None

    def _stop_missing_timer(self) -> None:
        if self._missing_timer is not None:
            self._missing_timer.cancel()
            self._missing_timer = None

    def close(self) -> None:
        """End all streams, without events: the room disconnects. Publications keep their last state."""
        self._stop_missing_timer()
        for sid in list(self._unannounced):
            self._forget_unannounced(sid)
        for state in self._tracks.values():
            self._release(state)
        self._tracks.clear()
