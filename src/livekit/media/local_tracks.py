"""The audio tracks that this participant publishes."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from livekit._util.aio import start_task, within
from livekit._util.enum_names import enum_name
from livekit.enums import EncryptionType
from livekit.errors import MediaNotBuiltError, SessionClosedError
from livekit.protocol import models, rtc

from .errors import PublishTrackError, UnpublishTrackError
from .publications import LocalTrackPublication
from .tracks import LocalAudioTrack, LocalTrack

if TYPE_CHECKING:
    from livekit.e2ee import E2EEManager
    from livekit.engine.interfaces import Engine
    from livekit.engine.media import MediaTransport
    from livekit.messages import TrackPublishOptions
    from livekit.participant import Participant, ParticipantRecord
    from livekit.stats import RtcStats
    from livekit.webrtc.media_interfaces import Transceiver

    from .audio.sender import AudioSender

__all__ = ["LocalTracks"]

logger = logging.getLogger("livekit")

PUBLISH_TIMEOUT = 10.0
"""Seconds to wait for the server's response to a publication, reconnects included."""
DEFAULT_BITRATE = 48_000
"""Bits per second of a mono track, as in the official SDK."""
DEFAULT_STEREO_BITRATE = 64_000

_Reason = rtc.RequestResponse.Reason


class _InterruptedError(Exception):
    """The connection was replaced before the server answered."""


@dataclass
class Published:
    """A published track and the path of its audio."""

    publication: LocalTrackPublication
    track: LocalAudioTrack
    options: TrackPublishOptions
    cid: str
    media: MediaTransport
    transceiver: Transceiver
    sender: AudioSender


class LocalTracks:
    """Publishes tracks, mutes them, and publishes them again after a full reconnect."""

    def __init__(
        self,
        engine: Engine,
        e2ee: E2EEManager,
        local: Participant,
        record: ParticipantRecord,
        emit: Callable[..., None],
    ) -> None:
        """`record` is that of the local participant; its publications are kept up to date."""
        self._engine = engine
        self._e2ee = e2ee
        self._local = local
        self._record = record
        self._publications = record.publications
        self._emit = emit
        self._published: dict[str, Published] = {}
        """By sid."""
        self._pending: dict[str, asyncio.Future[models.TrackInfo]] = {}
        """Requests to publish that wait for the server's response, by the track's client id."""
        self._publishing: set[LocalAudioTrack] = set()
        self._permission: rtc.SubscriptionPermission | None = None
        self._republishing: asyncio.Task[None] | None = None
        self.signal_handlers: dict[str, Callable[[rtc.SignalResponse], None]] = {
            "track_published": lambda m: self._on_published(m.track_published),
            "track_unpublished": lambda m: self._on_unpublished(m.track_unpublished.track_sid),
            "track_subscribed": lambda m: self._on_subscribed(m.track_subscribed.track_sid),
            "mute": lambda m: self._on_server_mute(m.mute),
        }

    # Publishing

    async def publish(self, track: LocalTrack, options: TrackPublishOptions) -> LocalTrackPublication:
        """Publish a track.

        Raises:
            PublishTrackError: the server refused or did not answer, or the track is published already.
            MediaNotBuiltError: it is a video track.
            OpusNotFoundError: there is no libopus.
        """
        if not isinstance(track, LocalAudioTrack):
            raise MediaNotBuiltError("Publishing a video track")
        self._check(track, options)
        from .codecs.libopus import load_opus

        load_opus()
        self._publishing.add(track)
        try:
            cid, info = await within(PUBLISH_TIMEOUT, self._request(track, options))
        except asyncio.TimeoutError:
            raise PublishTrackError(f"the server did not answer within {PUBLISH_TIMEOUT:g} s") from None
        finally:
            self._publishing.discard(track)
        publication = LocalTrackPublication(info)
        publication._track = track
        self._start(publication, track, options, cid)
        asyncio.get_running_loop().call_soon(self._announce, publication)
        return publication

    async def unpublish(self, sid: str) -> None:
        """Unpublish a track. Raises UnpublishTrackError: there is none with this sid."""
        published = self._published.get(sid)
        if published is None:
            raise UnpublishTrackError(f"this participant has not published a track with the sid {sid!r}")
        published.media.stop_sending(published.transceiver)
        self._end(published)

    def _check(self, track: LocalAudioTrack, options: TrackPublishOptions) -> None:
        """Raise PublishTrackError if the track cannot be published."""
        if track in self._publishing or any(each.track is track for each in self._published.values()):
            raise PublishTrackError("the track is published already; unpublish it first, or publish another track")
        if not self._may_publish(options.source):
            source = enum_name(models.TrackSource, options.source)
            raise PublishTrackError(
                f"this participant may not publish a track of source {source}: its token does not grant it "
                "(canPublish, canPublishSources)"
            )

    def _may_publish(self, source: int) -> bool:
        info = self._record.info
        if not info.HasField("permission"):
            return True
        sources = info.permission.can_publish_sources
        return info.permission.can_publish and (not sources or source in sources)

    async def _request(self, track: LocalAudioTrack, options: TrackPublishOptions) -> tuple[str, models.TrackInfo]:
        """Announce a track to the server until it answers; return the track's client id and the server's TrackInfo."""
        while True:
            cid = str(uuid.uuid4())
            future = self._pending[cid] = asyncio.get_running_loop().create_future()
            try:
                self._engine.send_signal(rtc.SignalRequest(add_track=self._add_track(cid, track, options)))
                return cid, await future
            except SessionClosedError as error:
                raise PublishTrackError(str(error)) from error
            except _InterruptedError:
                continue
            finally:
                del self._pending[cid]

    def _add_track(self, cid: str, track: LocalAudioTrack, options: TrackPublishOptions) -> rtc.AddTrackRequest:
        stereo = track._source.num_channels == 2
        request = rtc.AddTrackRequest(
            cid=cid,
            name=track.name,
            type=models.TrackType.AUDIO,
            source=cast("models.TrackSource", options.source),
            muted=track.muted,
            disable_dtx=not _flag(options, "dtx"),
            disable_red=not self._uses_red(options),
            stereo=stereo,
            encryption=cast("models.Encryption.Type", self._e2ee.encryption_type),
            stream=options.stream,
        )
        if stereo:
            request.audio_features.append(models.AudioTrackFeature.TF_STEREO)
        if options.preconnect_buffer:
            request.audio_features.append(models.AudioTrackFeature.TF_PRECONNECT_BUFFER)
        return request

    @property
    def _encrypts(self) -> bool:
        return self._e2ee.encryption_type != EncryptionType.NONE

    def _uses_red(self, options: TrackPublishOptions) -> bool:
        return _flag(options, "red") and not self._encrypts

    def _start(
        self, publication: LocalTrackPublication, track: LocalAudioTrack, options: TrackPublishOptions, cid: str
    ) -> None:
        """Send the track's audio in a section of its own."""
        from .audio.sender import AudioSender, AudioSendOptions

        media = self._engine.media
        if media is None:
            raise PublishTrackError("the room was disconnected")
        stereo = track._source.num_channels == 2
        bitrate = options.audio_encoding.max_bitrate if options.HasField("audio_encoding") else 0
        send_options = AudioSendOptions(
            bitrate=bitrate or (DEFAULT_STEREO_BITRATE if stereo else DEFAULT_BITRATE),
            dtx=_flag(options, "dtx"),
            red=self._uses_red(options),
            stereo=stereo,
        )
        transceiver = media.send_audio(cid, red=send_options.red, dtx=send_options.dtx, stereo=stereo)
        sender = AudioSender(track._source, transceiver, send_options)
        sealer = self._e2ee.frames.sealer(self._local.identity, publication.sid)
        sender.transform = None if sealer is None else sealer.seal
        sender.muted = track.muted
        published = Published(publication, track, options, cid, media, transceiver, sender)
        self._published[publication.sid] = published
        self._publications[publication.sid] = publication
        self._record.update_audio()
        self._name(published)
        track._on_mute = lambda muted: self._mute(published, muted)
        track._collect_stats = lambda: self._stats(published)
        media.rtcp.add(sender)
        sender.start()

    def _name(self, published: Published) -> None:
        """Set the track's sid, source and state to those of its publication."""
        published.track._info.sid = published.publication.sid
        published.publication._info.muted = published.track.muted

    def _announce(self, publication: LocalTrackPublication) -> None:
        """Emit `local_track_published`, which follows the return of `publish`."""
        if publication.sid in self._published:
            self._emit("local_track_published", publication, publication.track)

    def _end(self, published: Published) -> None:
        """Stop sending, and announce that."""
        publication = published.publication
        self._release(published)
        self._emit("local_track_unpublished", publication)
        publication._end()
        self._record.update_audio()

    def _release(self, published: Published) -> None:
        sid = published.publication.sid
        published.sender.stop()
        published.media.rtcp.remove(published.sender)
        self._e2ee.frames.remove(self._local.identity, sid)
        published.track._on_mute = _ignore_mute
        published.track._collect_stats = list
        self._published.pop(sid, None)
        self._publications.pop(sid, None)

    # Muting and permissions

    def _mute(self, published: Published, muted: bool) -> None:
        """Mute or unmute a track that the application has muted or unmuted."""
        published.sender.muted = muted
        sid = published.publication.sid
        self._engine.send_signal(rtc.SignalRequest(mute=rtc.MuteTrackRequest(sid=sid, muted=muted)))
        asyncio.get_running_loop().call_soon(self._announce_mute, published, muted)

    def _announce_mute(self, published: Published, muted: bool) -> None:
        published.publication._info.muted = muted
        if published.publication.sid in self._published:
            self._emit("track_muted" if muted else "track_unmuted", self._local, published.publication)

    def set_subscription_permission(self, permission: rtc.SubscriptionPermission) -> None:
        """Set who may subscribe to this participant's tracks, also after a full reconnect."""
        self._permission = permission
        self._engine.send_signal(rtc.SignalRequest(subscription_permission=permission))

    # Signals

    def on_request_response(self, response: rtc.RequestResponse) -> None:
        """Fail the publication that the server refused. Ignores responses to other requests."""
        future = self._pending.get(response.add_track.cid)
        if not response.HasField("add_track") or future is None or future.done():
            return
        if response.reason not in (_Reason.OK, _Reason.QUEUED):
            reason = enum_name(_Reason, response.reason)
            future.set_exception(PublishTrackError(f"{reason}: {response.message or 'the server refused'}"))

    def _on_published(self, response: rtc.TrackPublishedResponse) -> None:
        future = self._pending.get(response.cid)
        if future is not None and not future.done():
            future.set_result(response.track)

    def _on_unpublished(self, sid: str) -> None:
        """End a track that the server has unpublished, as when the permission to publish is revoked."""
        published = self._published.get(sid)
        if published is not None:
            published.media.stop_sending(published.transceiver)
            self._end(published)

    def _on_subscribed(self, sid: str) -> None:
        published = self._published.get(sid)
        if published is not None:
            published.publication._subscribed()
            self._emit("local_track_subscribed", published.track)

    def _on_server_mute(self, mute: rtc.MuteTrackRequest) -> None:
        """Mute or unmute a track as the server asks, on behalf of an administrator."""
        published = self._published.get(mute.sid)
        if published is not None:
            published.track._set_muted(mute.muted)

    # Statistics

    def stats(self) -> list[list[RtcStats]]:
        """Return the statistics of each track."""
        return [self._stats(published) for published in self._published.values()]

    def _stats(self, published: Published) -> list[RtcStats]:
        return [*published.media.stats(), *published.sender.stats(asyncio.get_running_loop().time())]

    # The connection

    def fill_sync(self, sync: rtc.SyncState) -> None:
        """Add the published tracks to what a resume sends."""
        for published in self._published.values():
            sync.publish_tracks.add(cid=published.cid, track=published.publication._info)

    def resumed(self) -> None:
        """Repeat what may have been lost with the signal connection."""
        self._interrupt()
        for sid, published in self._published.items():
            if published.track.muted:
                self._engine.send_signal(rtc.SignalRequest(mute=rtc.MuteTrackRequest(sid=sid, muted=True)))
        self._repeat_permission()

    def republish(self) -> asyncio.Task[None] | None:
        """Publish all tracks in the new session of a full reconnect, in the background; None without tracks."""
        self._interrupt()
        self._repeat_permission()
        media = self._engine.media if self._published else None
        lost = [published for published in self._published.values() if published.media is not media]
        if not lost:
            return None
        self._republishing = start_task(self._republish_all(lost), name="livekit republish")
        return self._republishing

    def stop_republishing(self) -> None:
        """Stop: the new session was lost too."""
        if self._republishing is not None:
            self._republishing.cancel()
            self._republishing = None

    def _repeat_permission(self) -> None:
        if self._permission is not None:
            self._engine.send_signal(rtc.SignalRequest(subscription_permission=self._permission))

    def _interrupt(self) -> None:
        """Make pending publications start again: the server may have forgotten them."""
        for future in self._pending.values():
            if not future.done():
                future.set_exception(_InterruptedError())

    async def _republish_all(self, lost: list[Published]) -> None:
        await asyncio.gather(*(self._republish(published) for published in lost))

    async def _republish(self, published: Published) -> None:
        publication = published.publication
        try:
            cid, info = await within(PUBLISH_TIMEOUT, self._request(published.track, published.options))
        except (PublishTrackError, asyncio.TimeoutError) as error:
            reason = str(error) or "the server did not answer"
            logger.warning("track %r is not published any more: %s", published.track.name, reason)
            if publication.sid in self._published:
                self._end(published)
            return
        media = self._engine.media
        if publication.sid not in self._published or media is None:
            return
        self._move(published, cid, info, media)

    def _move(self, published: Published, cid: str, info: models.TrackInfo, media: MediaTransport) -> None:
        """Send the track in a section of the new session, under its new sid."""
        publication, previous_sid = published.publication, published.publication.sid
        published.media.rtcp.remove(published.sender)
        del self._published[previous_sid], self._publications[previous_sid]
        self._e2ee.frames.remove(self._local.identity, previous_sid)
        publication._info = info
        self._name(published)
        self._published[info.sid], self._publications[info.sid] = published, publication
        options = published.sender.options
        published.cid, published.media = cid, media
        published.transceiver = media.send_audio(cid, red=options.red, dtx=options.dtx, stereo=options.stereo)
        sealer = self._e2ee.frames.sealer(self._local.identity, info.sid)
        published.sender.transform = None if sealer is None else sealer.seal
        published.sender.replace_transceiver(published.transceiver)
        media.rtcp.add(published.sender)
        self._emit("local_track_republished", publication, previous_sid)

    def close(self) -> None:
        """End all tracks: the room disconnects."""
        self.stop_republishing()
        for future in self._pending.values():
            if not future.done():
                future.set_exception(PublishTrackError("the room was disconnected before the server answered"))
        for published in list(self._published.values()):
            self._end(published)


def _flag(options: TrackPublishOptions, name: Literal["dtx", "red"]) -> bool:
    """Return an option that is on by default."""
    return bool(getattr(options, name)) if options.HasField(name) else True


def _ignore_mute(muted: bool) -> None:
    """Do nothing: the track is not published."""
