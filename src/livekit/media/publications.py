"""Track publications, as announced by the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from livekit.enums import TrackKind
from livekit.errors import MediaNotBuiltError
from livekit.protocol import models

from .tracks import LocalTrack, RemoteTrack, Track

if TYPE_CHECKING:
    from livekit.enums import AudioTrackFeature, EncryptionType, FrameMetadataFeature, TrackSource, VideoQuality

_KINDS = {models.TrackType.AUDIO: TrackKind.KIND_AUDIO, models.TrackType.VIDEO: TrackKind.KIND_VIDEO}


class TrackPublication:
    """A published track."""

    def __init__(self, info: models.TrackInfo) -> None:
        self._info = info

    @property
    def track(self) -> Track | None:
        """The track: None, as media is not implemented yet."""
        return None

    @property
    def sid(self) -> str:
        return self._info.sid

    @property
    def name(self) -> str:
        return self._info.name

    @property
    def kind(self) -> TrackKind.ValueType:
        return _KINDS.get(self._info.type, TrackKind.KIND_UNKNOWN)

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

    @property
    def track(self) -> LocalTrack | None:
        return None

    async def wait_for_subscription(self) -> None:
        raise MediaNotBuiltError("LocalTrackPublication.wait_for_subscription")


class RemoteTrackPublication(TrackPublication):
    """A track published by a remote participant."""

    @property
    def track(self) -> RemoteTrack | None:
        return None

    @property
    def subscribed(self) -> bool:
        """True if the track is received: never, as media is not implemented yet."""
        return False

    def set_subscribed(self, subscribed: bool) -> None:
        """Do nothing to unsubscribe; raise MediaNotBuiltError to subscribe."""
        if subscribed:
            raise MediaNotBuiltError("Subscribing to a track")

    def set_video_quality(self, quality: VideoQuality.ValueType) -> None:
        raise MediaNotBuiltError("RemoteTrackPublication.set_video_quality")
