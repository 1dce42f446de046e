"""LiveKit in Python: rooms, and RPC between their participants, over WebRTC data channels.

`livekit.api`, `livekit.protocol`, `livekit.agents` and `livekit.plugins` come from other distributions; this package
stays open to them. What is named here loads on first use; the types are in __init__.pyi.
"""

from __future__ import annotations

import importlib
from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)

from ._util.coexistence import warn_of_official_rtc
from ._version import __version__ as __version__

_EXPORTS = {
    "_util.event_loop": ("run",),
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
    "errors": ("ConnectError",),
    "events": ("EventEmitter",),
    "media.audio.frame": ("AudioFrame", "AudioFrameEvent", "combine_audio_frames"),
    "media.audio.mixer": ("AudioMixer",),
    "media.audio.processing": ("AudioFilter", "AudioProcessingModule"),
    "media.audio.resampler": ("AudioResampler", "AudioResamplerQuality"),
    "media.audio.source": ("AudioSource",),
    "media.audio.stream": ("AudioStream", "NoiseCancellationOptions"),
    "media.devices": (
        "AudioDeviceInfo",
        "MediaDevices",
        "PlatformAudio",
        "PlatformAudioError",
        "PlatformAudioOptions",
        "PlatformAudioSource",
    ),
    "media.frame_processor": ("FrameProcessor",),
    "media.publications": ("LocalTrackPublication", "RemoteTrackPublication", "TrackPublication"),
    "media.publisher": ("DegradationPreference",),
    "media.synchronizer": ("AVSynchronizer",),
    "media.tracks": (
        "AudioTrack",
        "FrameCryptor",
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
    "messages": ("FrameMetadata", "IceServer", "ParticipantTrackPermission", "TrackPublishOptions", "VideoEncoding"),
    "options": ("DataStreamOptions", "RoomOptions", "RtcConfiguration"),
    "participant": ("ConnectionQuality", "LocalParticipant", "Participant", "RemoteParticipant"),
    "room": ("Room",),
    "rpc": ("RpcCallInfo", "RpcError", "RpcHandler", "RpcInterceptor", "RpcInvocationData"),
    "rtc_stats": ("RtcStats",),
    "streams.info": ("ByteStreamInfo", "StreamError", "TextStreamInfo"),
    "streams.aio.reader": ("ByteStreamReader", "TextStreamReader"),
    "streams.aio.writer": ("ByteStreamWriter", "TextStreamWriter"),
}
"""Names by the module that they come from."""
_HOMES = {name: module for module, names in _EXPORTS.items() for name in names}

_NAMES = sorted([*_HOMES, "__version__", "stats"])
__all__ = list(_NAMES)  # pyright: ignore[reportUnsupportedDunderAll]  # checkers read __init__.pyi

warn_of_official_rtc()


def __getattr__(name: str) -> object:
    if name == "stats":
        return importlib.import_module(".stats", __name__)
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
