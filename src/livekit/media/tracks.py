"""Audio and video tracks, local and remote."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from livekit._util.arguments import check_str
from livekit._util.callbacks import ignore
from livekit.enums import StreamState, TrackKind
from livekit.errors import MediaNotBuiltError
from livekit.protocol import models

from .processor_context import ProcessorContext

if TYPE_CHECKING:
    from livekit.stats import RtcStats

    from .audio.block import AudioFeed, TrackStream
    from .audio.receiver import AudioReceiver
    from .audio.source import AudioSource
    from .platform_audio import PlatformAudioSource
    from .video.encoded import EncodedVideoSource
    from .video.source import VideoSource

UNPUBLISHED_SID = "TR_unknown"
"""The sid of a local track that has never been published."""

KINDS = {models.TrackType.AUDIO: TrackKind.KIND_AUDIO, models.TrackType.VIDEO: TrackKind.KIND_VIDEO}


class Track:
    """An audio or video track."""

    _is_built: ClassVar = False
    """True for the kinds of tracks that are implemented."""

    def __init__(self, info: models.TrackInfo | None = None) -> None:
        """Tracks are created by `create_audio_track`, and by the room when it subscribes.

        Raises:
            MediaNotBuiltError: this kind of track is not implemented.
        """
        if not self._is_built or info is None:
            raise MediaNotBuiltError(type(self).__name__)
        self._info = info
        self._stream_state: StreamState.ValueType = StreamState.STATE_ACTIVE
        self._audio_streams: weakref.WeakSet[TrackStream] = weakref.WeakSet()
        self._processors = ProcessorContext(lambda: self._audio_streams)
        self._collect_stats: Callable[[], list[RtcStats]] = list
        """Returns the statistics of the published or received track."""

    @property
    def sid(self) -> str:
        """The server's id of the published track; TR_unknown before the first publication."""
        return self._require_info().sid

    @property
    def name(self) -> str:
        return self._require_info().name

    @property
    def kind(self) -> TrackKind.ValueType:
        return KINDS.get(self._require_info().type, TrackKind.KIND_UNKNOWN)

    @property
    def stream_state(self) -> StreamState.ValueType:
        """Paused if the server sends nothing, for lack of bandwidth."""
        self._require_info()
        return self._stream_state

    @property
    def muted(self) -> bool:
        return self._require_info().muted

    async def get_stats(self) -> list[RtcStats]:
        """Return the track's WebRTC statistics; those of its connection are left out while it is not connected."""
        self._require_info()
        return self._collect_stats()

    def _require_info(self) -> models.TrackInfo:
        """Return the state. Raises MediaNotBuiltError for instances that no constructor has made."""
        if not self._is_built:
            raise MediaNotBuiltError(type(self).__name__)
        return self._info

    def __repr__(self) -> str:
        return f"rtc.{type(self).__name__}(sid={self.sid}, name={self.name})"

    # Audio

    def _audio_feed(self) -> AudioFeed:
        """Return the track's audio for streams. Raises TypeError for a track without audio."""
        raise TypeError(f"{type(self).__name__} has no audio")

    def _register_audio_stream(self, stream: TrackStream) -> None:
        self._audio_streams.add(stream)
        self._processors.tell(stream)

    def _unregister_audio_stream(self, stream: TrackStream) -> None:
        self._audio_streams.discard(stream)


class LocalAudioTrack(Track):
    """An audio track of the local participant."""

    _is_built = True

    def __init__(self, name: str = "", source: AudioSource | None = None) -> None:
        """Use `create_audio_track`."""
        if source is None:
            raise TypeError("use LocalAudioTrack.create_audio_track(name, source)")
        super().__init__(models.TrackInfo(sid=UNPUBLISHED_SID, name=name, type=models.TrackType.AUDIO))
        self._source = source
        self._on_mute: Callable[[bool], None] = ignore
        """Set while the track is published: mutes its publication."""
        self._feed: AudioFeed | None = None

    @staticmethod
    def create_audio_track(name: str, source: AudioSource | PlatformAudioSource) -> LocalAudioTrack:
        """Create a track that can be published.

        Args:
            name: shown to other participants, such as "microphone".
            source: where the application puts its audio.
        """
        check_str(name, "name")
        return LocalAudioTrack(name, source)

    def mute(self) -> None:
        """Send nothing until `unmute`; the source goes on. Does nothing to a muted track."""
        self._set_muted(True)

    def unmute(self) -> None:
        """Send again. Does nothing to a track that is not muted."""
        self._set_muted(False)

    def _set_muted(self, muted: bool) -> None:
        if self._info.muted != muted:
            self._info.muted = muted
            self._on_mute(muted)

    def _audio_feed(self) -> AudioFeed:
        if self._feed is None:
            from .audio.source_feed import SourceFeed

            self._feed = SourceFeed(self._source)
        return self._feed


class LocalVideoTrack(Track):
    """A video track of the local participant. Raises MediaNotBuiltError."""

    @staticmethod
    def create_video_track(name: str, source: VideoSource | EncodedVideoSource) -> LocalVideoTrack:
        raise MediaNotBuiltError("LocalVideoTrack.create_video_track")

    def mute(self) -> None:
        raise MediaNotBuiltError

    def unmute(self) -> None:
        raise MediaNotBuiltError


class RemoteAudioTrack(Track):
    """An audio track of a remote participant, from one subscription to its end."""

    _is_built = True

    def __init__(self, info: models.TrackInfo, receiver: AudioReceiver) -> None:
        """Remote tracks are passed to the callbacks of `track_subscribed`."""
        super().__init__(info)
        self._receiver = receiver

    def _audio_feed(self) -> AudioFeed:
        return self._receiver


class RemoteVideoTrack(Track):
    """A video track of a remote participant. Raises MediaNotBuiltError."""


LocalTrack: TypeAlias = LocalVideoTrack | LocalAudioTrack
RemoteTrack: TypeAlias = RemoteVideoTrack | RemoteAudioTrack
AudioTrack: TypeAlias = LocalAudioTrack | RemoteAudioTrack
VideoTrack: TypeAlias = LocalVideoTrack | RemoteVideoTrack
