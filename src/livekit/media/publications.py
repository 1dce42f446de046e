"""Track publications, as announced by the server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, cast

from livekit.enums import TrackKind
from livekit.errors import MediaNotBuiltError, SessionClosedError
from livekit.protocol import models

from .tracks import KINDS, LocalTrack, RemoteTrack, Track

if TYPE_CHECKING:
    from livekit.enums import AudioTrackFeature, EncryptionType, FrameMetadataFeature, TrackSource, VideoQuality


class TrackPublication:
    """A published track."""

    def __init__(self, info: models.TrackInfo) -> None:
        self._info = info
        self._track: Track | None = None

    @property
    def track(self) -> Track | None:
        """The local track, or the remote one while it is subscribed; None otherwise."""
        return self._track

    @property
    def sid(self) -> str:
        return self._info.sid

    @property
    def name(self) -> str:
        return self._info.name

    @property
    def kind(self) -> TrackKind.ValueType:
        return KINDS.get(self._info.type, TrackKind.KIND_UNKNOWN)

    @property
    def source(self) -> TrackSource.ValueType:
        return cast("TrackSource.ValueType", self._info.source)

    @property
    def simulcasted(self) -> bool:
        return self._info.simulcast

    @property
    def width(self) -> int:
        return self._info.width

    @property
    def height(self) -> int:
        return self._info.height

    @property
    def mime_type(self) -> str:
        return self._info.mime_type

    @property
    def muted(self) -> bool:
        return self._info.muted

    @property
    def encryption_type(self) -> EncryptionType.ValueType:
        return cast("EncryptionType.ValueType", self._info.encryption)

    @property
    def audio_features(self) -> list[AudioTrackFeature.ValueType]:
        return cast("list[AudioTrackFeature.ValueType]", list(self._info.audio_features))

    @property
    def frame_metadata_features(self) -> list[FrameMetadataFeature.ValueType]:
        return cast("list[FrameMetadataFeature.ValueType]", list(self._info.packet_trailer_features))

    def __repr__(self) -> str:
        return f"rtc.{type(self).__name__}(sid={self.sid}, name={self.name}, kind={self.kind}, source={self.source})"


class LocalTrackPublication(TrackPublication):
    """A track published by the local participant."""

    def __init__(self, info: models.TrackInfo) -> None:
        super().__init__(info)
        self._is_subscribed = False
        """True once a participant has subscribed."""
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def track(self) -> LocalTrack | None:
        return cast("LocalTrack | None", self._track)

    async def wait_for_subscription(self) -> None:
        """Wait until the first participant has subscribed to the track.

        Raises:
            SessionClosedError: the track was unpublished before, or the room disconnected.
        """
        if self._is_subscribed:
            return
        if self._track is None:
            raise SessionClosedError(_NOT_SUBSCRIBED)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)

    def _subscribed(self) -> None:
        self._is_subscribed = True
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    def _end(self) -> None:
        """Detach the track, which is no longer published."""
        self._track = None
        for future in self._waiting:
            if not future.done():
                future.set_exception(SessionClosedError(_NOT_SUBSCRIBED))


_NOT_SUBSCRIBED = "the track was unpublished before a participant subscribed to it"


class Subscriber(Protocol):
    """Subscribes to the tracks of a room."""

    def set_subscribed(self, publication: RemoteTrackPublication, subscribed: bool) -> None: ...


class RemoteTrackPublication(TrackPublication):
    """A track published by a remote participant."""

    def __init__(self, info: models.TrackInfo, subscriber: Subscriber | None = None, *, wanted: bool = False) -> None:
        """`subscriber` is the participant's room; `wanted` is True if the server subscribes by itself."""
        super().__init__(info)
        self._subscriber = subscriber
        self._wanted = wanted

    @property
    def track(self) -> RemoteTrack | None:
        return cast("RemoteTrack | None", self._track)

    @property
    def subscribed(self) -> bool:
        """True while the track is received."""
        return self._track is not None

    def set_subscribed(self, subscribed: bool) -> None:
        """Receive the track, or stop receiving it. `track_subscribed` follows when the server sends the track.

        Raises:
            MediaNotBuiltError: it is a video track, and `subscribed` is True.
        """
        if subscribed and self.kind != TrackKind.KIND_AUDIO:
            raise MediaNotBuiltError("Subscribing to a video track")
        if self._subscriber is not None:
            self._subscriber.set_subscribed(self, subscribed)

    def set_video_quality(self, quality: VideoQuality.ValueType) -> None:
        """Raise MediaNotBuiltError; for an audio track ValueError."""
        if self.kind == TrackKind.KIND_AUDIO:
            raise ValueError(f"set_video_quality is only supported on video publications (sid={self.sid})")
        raise MediaNotBuiltError("RemoteTrackPublication.set_video_quality")
