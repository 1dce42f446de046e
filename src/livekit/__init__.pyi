# What `livekit` exports, for type checkers; __init__.py loads it on first use.
from . import stats as stats
from ._util.event_loop import run
from ._version import __version__
from .data import DataPacket, SipDTMF, Transcription, TranscriptionSegment
from .datatracks.tracks import (
    DataTrackFrame,
    DataTrackInfo,
    DataTrackStream,
    LocalDataTrack,
    PushFrameError,
    RemoteDataTrack,
    SubscribeDataTrackError,
)
from .e2ee import E2EEManager, E2EEOptions, KeyProvider, KeyProviderOptions
from .enums import (
    ConnectionState,
    ContinualGatheringPolicy,
    DataPacketKind,
    DisconnectReason,
    EncodedFrameType,
    EncryptionState,
    EncryptionType,
    FrameMetadataFeature,
    IceTransportType,
    KeyDerivationFunction,
    ParticipantKind,
    ParticipantKindDetail,
    ParticipantState,
    SimulateScenarioKind,
    StreamState,
    TrackKind,
    TrackSource,
    VideoBufferType,
    VideoCodec,
    VideoEncoderBackend,
    VideoQuality,
    VideoRotation,
)
from .errors import ConnectError
from .events import EventEmitter
from .media.audio.frame import AudioFrame, AudioFrameEvent, combine_audio_frames
from .media.audio.mixer import AudioMixer
from .media.audio.processing import AudioFilter, AudioProcessingModule
from .media.audio.resampler import AudioResampler, AudioResamplerQuality
from .media.audio.source import AudioSource
from .media.audio.stream import AudioStream, NoiseCancellationOptions
from .media.devices import (
    AudioDeviceInfo,
    MediaDevices,
    PlatformAudio,
    PlatformAudioError,
    PlatformAudioOptions,
    PlatformAudioSource,
)
from .media.frame_processor import FrameProcessor
from .media.publications import LocalTrackPublication, RemoteTrackPublication, TrackPublication
from .media.publisher import DegradationPreference
from .media.synchronizer import AVSynchronizer
from .media.tracks import (
    AudioTrack,
    FrameCryptor,
    LocalAudioTrack,
    LocalTrack,
    LocalVideoTrack,
    RemoteAudioTrack,
    RemoteTrack,
    RemoteVideoTrack,
    Track,
    VideoTrack,
)
from .media.video.encoded import EncodedRateControl, EncodedVideoFrame, EncodedVideoSource, EncodedVideoSourceFeedback
from .media.video.frame import VideoFrame, VideoFrameEvent
from .media.video.source import VideoSource
from .media.video.stream import VideoStream
from .messages import FrameMetadata, IceServer, ParticipantTrackPermission, TrackPublishOptions, VideoEncoding
from .options import DataStreamOptions, RoomOptions, RtcConfiguration
from .participant import ConnectionQuality, LocalParticipant, Participant, RemoteParticipant
from .room import Room
from .rpc import RpcCallInfo, RpcError, RpcHandler, RpcInterceptor, RpcInvocationData
from .rtc_stats import RtcStats
from .streams.aio.reader import ByteStreamReader, TextStreamReader
from .streams.aio.writer import ByteStreamWriter, TextStreamWriter
from .streams.info import ByteStreamInfo, StreamError, TextStreamInfo

__all__ = [
    "AVSynchronizer",
    "AudioDeviceInfo",
    "AudioFilter",
    "AudioFrame",
    "AudioFrameEvent",
    "AudioMixer",
    "AudioProcessingModule",
    "AudioResampler",
    "AudioResamplerQuality",
    "AudioSource",
    "AudioStream",
    "AudioTrack",
    "ByteStreamInfo",
    "ByteStreamReader",
    "ByteStreamWriter",
    "ConnectError",
    "ConnectionQuality",
    "ConnectionState",
    "ContinualGatheringPolicy",
    "DataPacket",
    "DataPacketKind",
    "DataStreamOptions",
    "DataTrackFrame",
    "DataTrackInfo",
    "DataTrackStream",
    "DegradationPreference",
    "DisconnectReason",
    "E2EEManager",
    "E2EEOptions",
    "EncodedFrameType",
    "EncodedRateControl",
    "EncodedVideoFrame",
    "EncodedVideoSource",
    "EncodedVideoSourceFeedback",
    "EncryptionState",
    "EncryptionType",
    "EventEmitter",
    "FrameCryptor",
    "FrameMetadata",
    "FrameMetadataFeature",
    "FrameProcessor",
    "IceServer",
    "IceTransportType",
    "KeyDerivationFunction",
    "KeyProvider",
    "KeyProviderOptions",
    "LocalAudioTrack",
    "LocalDataTrack",
    "LocalParticipant",
    "LocalTrack",
    "LocalTrackPublication",
    "LocalVideoTrack",
    "MediaDevices",
    "NoiseCancellationOptions",
    "Participant",
    "ParticipantKind",
    "ParticipantKindDetail",
    "ParticipantState",
    "ParticipantTrackPermission",
    "PlatformAudio",
    "PlatformAudioError",
    "PlatformAudioOptions",
    "PlatformAudioSource",
    "PushFrameError",
    "RemoteAudioTrack",
    "RemoteDataTrack",
    "RemoteParticipant",
    "RemoteTrack",
    "RemoteTrackPublication",
    "RemoteVideoTrack",
    "Room",
    "RoomOptions",
    "RpcCallInfo",
    "RpcError",
    "RpcHandler",
    "RpcInterceptor",
    "RpcInvocationData",
    "RtcConfiguration",
    "RtcStats",
    "SimulateScenarioKind",
    "SipDTMF",
    "StreamError",
    "StreamState",
    "SubscribeDataTrackError",
    "TextStreamInfo",
    "TextStreamReader",
    "TextStreamWriter",
    "Track",
    "TrackKind",
    "TrackPublication",
    "TrackPublishOptions",
    "TrackSource",
    "Transcription",
    "TranscriptionSegment",
    "VideoBufferType",
    "VideoCodec",
    "VideoEncoderBackend",
    "VideoEncoding",
    "VideoFrame",
    "VideoFrameEvent",
    "VideoQuality",
    "VideoRotation",
    "VideoSource",
    "VideoStream",
    "VideoTrack",
    "__version__",
    "combine_audio_frames",
    "run",
    "stats",
]
