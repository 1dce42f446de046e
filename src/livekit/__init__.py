"""LiveKit in pure Python: rooms, and RPC between their participants, over WebRTC data channels.

Submodules load on first use of a name, so `import livekit` is cheap. The package's path is extended over all of
``sys.path``: `livekit.api`, `livekit.protocol`, `livekit.agents` and `livekit.plugins` come from other distributions.
"""

from __future__ import annotations

from pkgutil import extend_path
from typing import TYPE_CHECKING

__path__ = extend_path(__path__, __name__)

from ._util import lazy
from ._util.coexistence import warn_of_official_rtc

if TYPE_CHECKING:
    from . import stats as stats
    from ._util.event_loop import run as run
    from ._version import __version__ as __version__
    from .data import DataPacket as DataPacket
    from .data import SipDTMF as SipDTMF
    from .data import Transcription as Transcription
    from .data import TranscriptionSegment as TranscriptionSegment
    from .datatracks.tracks import DataTrackFrame as DataTrackFrame
    from .datatracks.tracks import DataTrackInfo as DataTrackInfo
    from .datatracks.tracks import DataTrackStream as DataTrackStream
    from .datatracks.tracks import LocalDataTrack as LocalDataTrack
    from .datatracks.tracks import PushFrameError as PushFrameError
    from .datatracks.tracks import RemoteDataTrack as RemoteDataTrack
    from .datatracks.tracks import SubscribeDataTrackError as SubscribeDataTrackError
    from .e2ee import E2EEManager as E2EEManager
    from .e2ee import E2EEOptions as E2EEOptions
    from .e2ee import KeyProvider as KeyProvider
    from .e2ee import KeyProviderOptions as KeyProviderOptions
    from .e2ee.frame_cryptor import FrameCryptor as FrameCryptor
    from .enums import ConnectionState as ConnectionState
    from .enums import ContinualGatheringPolicy as ContinualGatheringPolicy
    from .enums import DataPacketKind as DataPacketKind
    from .enums import DisconnectReason as DisconnectReason
    from .enums import EncodedFrameType as EncodedFrameType
    from .enums import EncryptionState as EncryptionState
    from .enums import EncryptionType as EncryptionType
    from .enums import FrameMetadataFeature as FrameMetadataFeature
    from .enums import IceTransportType as IceTransportType
    from .enums import KeyDerivationFunction as KeyDerivationFunction
    from .enums import ParticipantKind as ParticipantKind
    from .enums import ParticipantKindDetail as ParticipantKindDetail
    from .enums import ParticipantState as ParticipantState
    from .enums import SimulateScenarioKind as SimulateScenarioKind
    from .enums import StreamState as StreamState
    from .enums import TrackKind as TrackKind
    from .enums import TrackSource as TrackSource
    from .enums import VideoBufferType as VideoBufferType
    from .enums import VideoCodec as VideoCodec
    from .enums import VideoEncoderBackend as VideoEncoderBackend
    from .enums import VideoQuality as VideoQuality
    from .enums import VideoRotation as VideoRotation
    from .errors import AudioCaptureError as AudioCaptureError
    from .errors import AuthenticationError as AuthenticationError
    from .errors import ConnectError as ConnectError
    from .errors import ConnectTimeoutError as ConnectTimeoutError
    from .errors import EventLoopError as EventLoopError
    from .errors import MediaNotBuiltError as MediaNotBuiltError
    from .errors import NotLiveKitError as NotLiveKitError
    from .errors import OpusNotFoundError as OpusNotFoundError
    from .errors import OutboxFullError as OutboxFullError
    from .errors import PacketTooLargeError as PacketTooLargeError
    from .errors import PeerConnectionError as PeerConnectionError
    from .errors import ProxyError as ProxyError
    from .errors import RequestError as RequestError
    from .errors import RequestTimeoutError as RequestTimeoutError
    from .errors import ResourceExhaustedError as ResourceExhaustedError
    from .errors import ServerUnreachableError as ServerUnreachableError
    from .errors import SessionClosedError as SessionClosedError
    from .events import EventEmitter as EventEmitter
    from .local_participant import LocalParticipant as LocalParticipant
    from .media.audio.frame import AudioFrame as AudioFrame
    from .media.audio.frame import AudioFrameEvent as AudioFrameEvent
    from .media.audio.frame import combine_audio_frames as combine_audio_frames
    from .media.audio.mixer import AudioMixer as AudioMixer
    from .media.audio.processing import AudioFilter as AudioFilter
    from .media.audio.processing import AudioProcessingModule as AudioProcessingModule
    from .media.audio.resampler import AudioResampler as AudioResampler
    from .media.audio.resampler import AudioResamplerQuality as AudioResamplerQuality
    from .media.audio.source import AudioSource as AudioSource
    from .media.audio.stream import AudioStream as AudioStream
    from .media.audio.stream import NoiseCancellationOptions as NoiseCancellationOptions
    from .media.devices import MediaDevices as MediaDevices
    from .media.frame_processor import FrameProcessor as FrameProcessor
    from .media.platform_audio import AudioDeviceInfo as AudioDeviceInfo
    from .media.platform_audio import PlatformAudio as PlatformAudio
    from .media.platform_audio import PlatformAudioError as PlatformAudioError
    from .media.platform_audio import PlatformAudioOptions as PlatformAudioOptions
    from .media.platform_audio import PlatformAudioSource as PlatformAudioSource
    from .media.publications import LocalTrackPublication as LocalTrackPublication
    from .media.publications import RemoteTrackPublication as RemoteTrackPublication
    from .media.publications import TrackPublication as TrackPublication
    from .media.publisher import DegradationPreference as DegradationPreference
    from .media.synchronizer import AVSynchronizer as AVSynchronizer
    from .media.tracks import AudioTrack as AudioTrack
    from .media.tracks import LocalAudioTrack as LocalAudioTrack
    from .media.tracks import LocalTrack as LocalTrack
    from .media.tracks import LocalVideoTrack as LocalVideoTrack
    from .media.tracks import RemoteAudioTrack as RemoteAudioTrack
    from .media.tracks import RemoteTrack as RemoteTrack
    from .media.tracks import RemoteVideoTrack as RemoteVideoTrack
    from .media.tracks import Track as Track
    from .media.tracks import VideoTrack as VideoTrack
    from .media.video.encoded import EncodedRateControl as EncodedRateControl
    from .media.video.encoded import EncodedVideoFrame as EncodedVideoFrame
    from .media.video.encoded import EncodedVideoSource as EncodedVideoSource
    from .media.video.encoded import EncodedVideoSourceFeedback as EncodedVideoSourceFeedback
    from .media.video.frame import VideoFrame as VideoFrame
    from .media.video.frame import VideoFrameEvent as VideoFrameEvent
    from .media.video.source import VideoSource as VideoSource
    from .media.video.stream import VideoStream as VideoStream
    from .messages import FrameMetadata as FrameMetadata
    from .messages import IceServer as IceServer
    from .messages import ParticipantTrackPermission as ParticipantTrackPermission
    from .messages import TrackPublishOptions as TrackPublishOptions
    from .messages import VideoEncoding as VideoEncoding
    from .options import DataStreamOptions as DataStreamOptions
    from .options import RecordOptions as RecordOptions
    from .options import RoomOptions as RoomOptions
    from .options import RpcOptions as RpcOptions
    from .options import RtcConfiguration as RtcConfiguration
    from .participant import ConnectionQuality as ConnectionQuality
    from .participant import Participant as Participant
    from .participant import RemoteParticipant as RemoteParticipant
    from .room import Room as Room
    from .rpc import RpcCallInfo as RpcCallInfo
    from .rpc import RpcError as RpcError
    from .rpc import RpcHandler as RpcHandler
    from .rpc import RpcInterceptor as RpcInterceptor
    from .rpc import RpcInvocationData as RpcInvocationData
    from .rpc import RpcOverloadedError as RpcOverloadedError
    from .rpc import detach_deadline as detach_deadline
    from .rtc_stats import RtcStats as RtcStats
    from .streams.aio.reader import ByteStreamReader as ByteStreamReader
    from .streams.aio.reader import TextStreamReader as TextStreamReader
    from .streams.aio.writer import ByteStreamWriter as ByteStreamWriter
    from .streams.aio.writer import TextStreamWriter as TextStreamWriter
    from .streams.info import ByteStreamInfo as ByteStreamInfo
    from .streams.info import StreamError as StreamError
    from .streams.info import TextStreamInfo as TextStreamInfo
else:
    __getattr__, __dir__, __all__ = lazy.attach(
        __name__,
        {
            "_util.event_loop": ("run",),
            "_version": ("__version__",),
            "data": ("DataPacket", "SipDTMF", "Transcription", "TranscriptionSegment"),
            "datatracks.tracks": (
                "DataTrackFrame",
                "DataTrackInfo",
                "DataTrackStream",
                "LocalDataTrack",
                "PushFrameError",
                "RemoteDataTrack",
                "SubscribeDataTrackError",
            ),
            "e2ee": ("E2EEManager", "E2EEOptions", "KeyProvider", "KeyProviderOptions"),
            "e2ee.frame_cryptor": ("FrameCryptor",),
            "enums": (
                "ConnectionState",
                "ContinualGatheringPolicy",
                "DataPacketKind",
                "DisconnectReason",
                "EncodedFrameType",
                "EncryptionState",
                "EncryptionType",
                "FrameMetadataFeature",
                "IceTransportType",
                "KeyDerivationFunction",
                "ParticipantKind",
                "ParticipantKindDetail",
                "ParticipantState",
                "SimulateScenarioKind",
                "StreamState",
                "TrackKind",
                "TrackSource",
                "VideoBufferType",
                "VideoCodec",
                "VideoEncoderBackend",
                "VideoQuality",
                "VideoRotation",
            ),
            "errors": (
                "AudioCaptureError",
                "AuthenticationError",
                "ConnectError",
                "ConnectTimeoutError",
                "MediaNotBuiltError",
                "ResourceExhaustedError",
                "ProxyError",
                "EventLoopError",
                "NotLiveKitError",
                "OpusNotFoundError",
                "OutboxFullError",
                "PacketTooLargeError",
                "PeerConnectionError",
                "RequestError",
                "RequestTimeoutError",
                "ServerUnreachableError",
                "SessionClosedError",
            ),
            "events": ("EventEmitter",),
            "local_participant": ("LocalParticipant",),
            "media.audio.frame": ("AudioFrame", "AudioFrameEvent", "combine_audio_frames"),
            "media.audio.mixer": ("AudioMixer",),
            "media.audio.processing": ("AudioFilter", "AudioProcessingModule"),
            "media.audio.resampler": ("AudioResampler", "AudioResamplerQuality"),
            "media.audio.source": ("AudioSource",),
            "media.audio.stream": ("AudioStream", "NoiseCancellationOptions"),
            "media.devices": ("MediaDevices",),
            "media.frame_processor": ("FrameProcessor",),
            "media.platform_audio": (
                "AudioDeviceInfo",
                "PlatformAudio",
                "PlatformAudioError",
                "PlatformAudioOptions",
                "PlatformAudioSource",
            ),
            "media.publications": ("LocalTrackPublication", "RemoteTrackPublication", "TrackPublication"),
            "media.publisher": ("DegradationPreference",),
            "media.synchronizer": ("AVSynchronizer",),
            "media.tracks": (
                "AudioTrack",
                "LocalAudioTrack",
                "LocalTrack",
                "LocalVideoTrack",
                "RemoteAudioTrack",
                "RemoteTrack",
                "RemoteVideoTrack",
                "Track",
                "VideoTrack",
            ),
            "media.video.encoded": (
                "EncodedRateControl",
                "EncodedVideoFrame",
                "EncodedVideoSource",
                "EncodedVideoSourceFeedback",
            ),
            "media.video.frame": ("VideoFrame", "VideoFrameEvent"),
            "media.video.source": ("VideoSource",),
            "media.video.stream": ("VideoStream",),
            "messages": (
                "FrameMetadata",
                "IceServer",
                "ParticipantTrackPermission",
                "TrackPublishOptions",
                "VideoEncoding",
            ),
            "options": ("DataStreamOptions", "RecordOptions", "RoomOptions", "RpcOptions", "RtcConfiguration"),
            "participant": ("ConnectionQuality", "Participant", "RemoteParticipant"),
            "room": ("Room",),
            "rpc": (
                "RpcCallInfo",
                "RpcError",
                "RpcHandler",
                "RpcInterceptor",
                "RpcInvocationData",
                "RpcOverloadedError",
                "detach_deadline",
            ),
            "rtc_stats": ("RtcStats",),
            "streams.aio.reader": ("ByteStreamReader", "TextStreamReader"),
            "streams.aio.writer": ("ByteStreamWriter", "TextStreamWriter"),
            "streams.info": ("ByteStreamInfo", "StreamError", "TextStreamInfo"),
        },
        submodules=("stats",),
    )

warn_of_official_rtc()
