# The types of messages.py; written by tools/stubs.py.
from collections.abc import Iterable

from google.protobuf.internal.containers import RepeatedScalarFieldContainer
from google.protobuf.message import Message

from .enums import FrameMetadataFeature, TrackSource, VideoCodec, VideoEncoderBackend

class IceServer(Message):
    urls: RepeatedScalarFieldContainer[str]
    username: str
    password: str
    def __init__(self, *, urls: Iterable[str] = ..., username: str = ..., password: str = ...) -> None: ...

class VideoEncoding(Message):
    max_bitrate: int
    max_framerate: float
    def __init__(self, *, max_bitrate: int = ..., max_framerate: float = ...) -> None: ...

class AudioEncoding(Message):
    max_bitrate: int
    def __init__(self, *, max_bitrate: int = ...) -> None: ...

class TrackPublishOptions(Message):
    video_encoding: VideoEncoding
    audio_encoding: AudioEncoding
    video_codec: VideoCodec.ValueType
    dtx: bool
    red: bool
    simulcast: bool
    source: TrackSource.ValueType
    stream: str
    preconnect_buffer: bool
    frame_metadata_features: RepeatedScalarFieldContainer[FrameMetadataFeature.ValueType]
    scalability_mode: str
    video_encoder: VideoEncoderBackend.ValueType
    degradation_preference: int
    def __init__(
        self,
        *,
        video_encoding: VideoEncoding | None = ...,
        audio_encoding: AudioEncoding | None = ...,
        video_codec: VideoCodec.ValueType = ...,
        dtx: bool = ...,
        red: bool = ...,
        simulcast: bool = ...,
        source: TrackSource.ValueType = ...,
        stream: str = ...,
        preconnect_buffer: bool = ...,
        frame_metadata_features: Iterable[FrameMetadataFeature.ValueType] = ...,
        scalability_mode: str = ...,
        video_encoder: VideoEncoderBackend.ValueType = ...,
        degradation_preference: int = ...,
    ) -> None: ...

class RoomInfo(Message):
    sid: str
    name: str
    metadata: str
    lossy_dc_buffered_amount_low_threshold: int
    reliable_dc_buffered_amount_low_threshold: int
    empty_timeout: int
    departure_timeout: int
    max_participants: int
    creation_time: int
    num_participants: int
    num_publishers: int
    active_recording: bool
    def __init__(
        self,
        *,
        sid: str = ...,
        name: str = ...,
        metadata: str = ...,
        lossy_dc_buffered_amount_low_threshold: int = ...,
        reliable_dc_buffered_amount_low_threshold: int = ...,
        empty_timeout: int = ...,
        departure_timeout: int = ...,
        max_participants: int = ...,
        creation_time: int = ...,
        num_participants: int = ...,
        num_publishers: int = ...,
        active_recording: bool = ...,
    ) -> None: ...

class ParticipantPermission(Message):
    can_subscribe: bool
    can_publish: bool
    can_publish_data: bool
    can_publish_sources: RepeatedScalarFieldContainer[TrackSource.ValueType]
    hidden: bool
    can_update_metadata: bool
    can_subscribe_metrics: bool
    can_manage_agent_session: bool
    def __init__(
        self,
        *,
        can_subscribe: bool = ...,
        can_publish: bool = ...,
        can_publish_data: bool = ...,
        can_publish_sources: Iterable[TrackSource.ValueType] = ...,
        hidden: bool = ...,
        can_update_metadata: bool = ...,
        can_subscribe_metrics: bool = ...,
        can_manage_agent_session: bool = ...,
    ) -> None: ...

class ParticipantTrackPermission(Message):
    participant_identity: str
    allow_all: bool
    allowed_track_sids: RepeatedScalarFieldContainer[str]
    def __init__(
        self, *, participant_identity: str = ..., allow_all: bool = ..., allowed_track_sids: Iterable[str] = ...
    ) -> None: ...

class FrameMetadata(Message):
    user_timestamp: int
    frame_id: int
    user_data: bytes
    def __init__(self, *, user_timestamp: int = ..., frame_id: int = ..., user_data: bytes = ...) -> None: ...
