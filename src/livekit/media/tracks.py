"""Audio and video tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from livekit.errors import MediaNotBuiltError

if TYPE_CHECKING:
    from livekit.enums import StreamState, TrackKind
    from livekit.stats import RtcStats

    from .audio.source import AudioSource
    from .platform_audio import PlatformAudioSource
    from .video.encoded import EncodedVideoSource
    from .video.source import VideoSource


class Track:
    """An audio or video track. Raises MediaNotBuiltError."""

    def __init__(self) -> None:
        raise MediaNotBuiltError(type(self).__name__)

    @property
    def sid(self) -> str:
        raise MediaNotBuiltError

    @property
    def name(self) -> str:
        raise MediaNotBuiltError

    @property
    def kind(self) -> TrackKind.ValueType:
        raise MediaNotBuiltError

    @property
    def stream_state(self) -> StreamState.ValueType:
        raise MediaNotBuiltError

    @property
    def muted(self) -> bool:
        raise MediaNotBuiltError

    async def get_stats(self) -> list[RtcStats]:
        raise MediaNotBuiltError


class LocalAudioTrack(Track):
    """An audio track of the local participant."""

    @staticmethod
    def create_audio_track(name: str, source: AudioSource | PlatformAudioSource) -> LocalAudioTrack:
        raise MediaNotBuiltError("LocalAudioTrack.create_audio_track")

    def mute(self) -> None:
        raise MediaNotBuiltError

    def unmute(self) -> None:
        raise MediaNotBuiltError


class LocalVideoTrack(Track):
    """A video track of the local participant."""

    @staticmethod
    def create_video_track(name: str, source: VideoSource | EncodedVideoSource) -> LocalVideoTrack:
        raise MediaNotBuiltError("LocalVideoTrack.create_video_track")

    def mute(self) -> None:
        raise MediaNotBuiltError

    def unmute(self) -> None:
        raise MediaNotBuiltError


class RemoteAudioTrack(Track):
    """An audio track of a remote participant."""


class RemoteVideoTrack(Track):
    """A video track of a remote participant."""


LocalTrack: TypeAlias = LocalVideoTrack | LocalAudioTrack
RemoteTrack: TypeAlias = RemoteVideoTrack | RemoteAudioTrack
AudioTrack: TypeAlias = LocalAudioTrack | RemoteAudioTrack
VideoTrack: TypeAlias = LocalVideoTrack | RemoteVideoTrack
