# The types of enums.py; written by tools/stubs.py.
from typing import NewType, TypeAlias

from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper

class _ConnectionState:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _ConnectionStateWrapper(_EnumTypeWrapper[_ConnectionState.ValueType], type):
    CONN_DISCONNECTED: _ConnectionState.ValueType
    CONN_CONNECTED: _ConnectionState.ValueType
    CONN_RECONNECTING: _ConnectionState.ValueType

class ConnectionState(_ConnectionState, metaclass=_ConnectionStateWrapper): ...

class _SimulateScenarioKind:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _SimulateScenarioKindWrapper(_EnumTypeWrapper[_SimulateScenarioKind.ValueType], type):
    SIMULATE_SIGNAL_RECONNECT: _SimulateScenarioKind.ValueType
    SIMULATE_SPEAKER: _SimulateScenarioKind.ValueType
    SIMULATE_NODE_FAILURE: _SimulateScenarioKind.ValueType
    SIMULATE_SERVER_LEAVE: _SimulateScenarioKind.ValueType
    SIMULATE_MIGRATION: _SimulateScenarioKind.ValueType
    SIMULATE_FORCE_TCP: _SimulateScenarioKind.ValueType
    SIMULATE_FORCE_TLS: _SimulateScenarioKind.ValueType
    SIMULATE_FULL_RECONNECT: _SimulateScenarioKind.ValueType
    SIMULATE_DISCONNECT_SIGNAL_ON_RESUME: _SimulateScenarioKind.ValueType

class SimulateScenarioKind(_SimulateScenarioKind, metaclass=_SimulateScenarioKindWrapper): ...

class _DataPacketKind:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _DataPacketKindWrapper(_EnumTypeWrapper[_DataPacketKind.ValueType], type):
    KIND_LOSSY: _DataPacketKind.ValueType
    KIND_RELIABLE: _DataPacketKind.ValueType

class DataPacketKind(_DataPacketKind, metaclass=_DataPacketKindWrapper): ...

class _IceTransportType:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _IceTransportTypeWrapper(_EnumTypeWrapper[_IceTransportType.ValueType], type):
    TRANSPORT_RELAY: _IceTransportType.ValueType
    TRANSPORT_NOHOST: _IceTransportType.ValueType
    TRANSPORT_ALL: _IceTransportType.ValueType

class IceTransportType(_IceTransportType, metaclass=_IceTransportTypeWrapper): ...

class _ContinualGatheringPolicy:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _ContinualGatheringPolicyWrapper(_EnumTypeWrapper[_ContinualGatheringPolicy.ValueType], type):
    GATHER_ONCE: _ContinualGatheringPolicy.ValueType
    GATHER_CONTINUALLY: _ContinualGatheringPolicy.ValueType

class ContinualGatheringPolicy(_ContinualGatheringPolicy, metaclass=_ContinualGatheringPolicyWrapper): ...

class _VideoEncoderBackend:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _VideoEncoderBackendWrapper(_EnumTypeWrapper[_VideoEncoderBackend.ValueType], type):
    ENCODER_BACKEND_AUTO: _VideoEncoderBackend.ValueType
    ENCODER_BACKEND_SOFTWARE: _VideoEncoderBackend.ValueType
    ENCODER_BACKEND_HARDWARE: _VideoEncoderBackend.ValueType
    ENCODER_BACKEND_NVENC: _VideoEncoderBackend.ValueType
    ENCODER_BACKEND_VAAPI: _VideoEncoderBackend.ValueType
    ENCODER_BACKEND_VIDEOTOOLBOX: _VideoEncoderBackend.ValueType
    ENCODER_BACKEND_PRE_ENCODED: _VideoEncoderBackend.ValueType

class VideoEncoderBackend(_VideoEncoderBackend, metaclass=_VideoEncoderBackendWrapper): ...

class _ParticipantState:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _ParticipantStateWrapper(_EnumTypeWrapper[_ParticipantState.ValueType], type):
    PARTICIPANT_STATE_JOINING: _ParticipantState.ValueType
    PARTICIPANT_STATE_JOINED: _ParticipantState.ValueType
    PARTICIPANT_STATE_ACTIVE: _ParticipantState.ValueType
    PARTICIPANT_STATE_DISCONNECTED: _ParticipantState.ValueType

class ParticipantState(_ParticipantState, metaclass=_ParticipantStateWrapper): ...

class _ParticipantKind:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _ParticipantKindWrapper(_EnumTypeWrapper[_ParticipantKind.ValueType], type):
    PARTICIPANT_KIND_STANDARD: _ParticipantKind.ValueType
    PARTICIPANT_KIND_INGRESS: _ParticipantKind.ValueType
    PARTICIPANT_KIND_EGRESS: _ParticipantKind.ValueType
    PARTICIPANT_KIND_SIP: _ParticipantKind.ValueType
    PARTICIPANT_KIND_AGENT: _ParticipantKind.ValueType
    PARTICIPANT_KIND_CONNECTOR: _ParticipantKind.ValueType
    PARTICIPANT_KIND_BRIDGE: _ParticipantKind.ValueType

class ParticipantKind(_ParticipantKind, metaclass=_ParticipantKindWrapper): ...

class _ParticipantKindDetail:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _ParticipantKindDetailWrapper(_EnumTypeWrapper[_ParticipantKindDetail.ValueType], type):
    PARTICIPANT_KIND_DETAIL_CLOUD_AGENT: _ParticipantKindDetail.ValueType
    PARTICIPANT_KIND_DETAIL_FORWARDED: _ParticipantKindDetail.ValueType
    PARTICIPANT_KIND_DETAIL_CONNECTOR_WHATSAPP: _ParticipantKindDetail.ValueType
    PARTICIPANT_KIND_DETAIL_CONNECTOR_TWILIO: _ParticipantKindDetail.ValueType
    PARTICIPANT_KIND_DETAIL_BRIDGE_RTSP: _ParticipantKindDetail.ValueType
    PARTICIPANT_KIND_DETAIL_SIMULATION: _ParticipantKindDetail.ValueType

class ParticipantKindDetail(_ParticipantKindDetail, metaclass=_ParticipantKindDetailWrapper): ...

class _DisconnectReason:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _DisconnectReasonWrapper(_EnumTypeWrapper[_DisconnectReason.ValueType], type):
    UNKNOWN_REASON: _DisconnectReason.ValueType
    CLIENT_INITIATED: _DisconnectReason.ValueType
    DUPLICATE_IDENTITY: _DisconnectReason.ValueType
    SERVER_SHUTDOWN: _DisconnectReason.ValueType
    PARTICIPANT_REMOVED: _DisconnectReason.ValueType
    ROOM_DELETED: _DisconnectReason.ValueType
    STATE_MISMATCH: _DisconnectReason.ValueType
    JOIN_FAILURE: _DisconnectReason.ValueType
    MIGRATION: _DisconnectReason.ValueType
    SIGNAL_CLOSE: _DisconnectReason.ValueType
    ROOM_CLOSED: _DisconnectReason.ValueType
    USER_UNAVAILABLE: _DisconnectReason.ValueType
    USER_REJECTED: _DisconnectReason.ValueType
    SIP_TRUNK_FAILURE: _DisconnectReason.ValueType
    CONNECTION_TIMEOUT: _DisconnectReason.ValueType
    MEDIA_FAILURE: _DisconnectReason.ValueType
    AGENT_ERROR: _DisconnectReason.ValueType

class DisconnectReason(_DisconnectReason, metaclass=_DisconnectReasonWrapper): ...

class _EncryptionType:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _EncryptionTypeWrapper(_EnumTypeWrapper[_EncryptionType.ValueType], type):
    NONE: _EncryptionType.ValueType
    GCM: _EncryptionType.ValueType
    CUSTOM: _EncryptionType.ValueType

class EncryptionType(_EncryptionType, metaclass=_EncryptionTypeWrapper): ...

class _KeyDerivationFunction:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _KeyDerivationFunctionWrapper(_EnumTypeWrapper[_KeyDerivationFunction.ValueType], type):
    PBKDF2: _KeyDerivationFunction.ValueType
    HKDF: _KeyDerivationFunction.ValueType

class KeyDerivationFunction(_KeyDerivationFunction, metaclass=_KeyDerivationFunctionWrapper): ...

class _EncryptionState:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _EncryptionStateWrapper(_EnumTypeWrapper[_EncryptionState.ValueType], type):
    NEW: _EncryptionState.ValueType
    OK: _EncryptionState.ValueType
    ENCRYPTION_FAILED: _EncryptionState.ValueType
    DECRYPTION_FAILED: _EncryptionState.ValueType
    MISSING_KEY: _EncryptionState.ValueType
    KEY_RATCHETED: _EncryptionState.ValueType
    INTERNAL_ERROR: _EncryptionState.ValueType

class EncryptionState(_EncryptionState, metaclass=_EncryptionStateWrapper): ...

class _TrackKind:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _TrackKindWrapper(_EnumTypeWrapper[_TrackKind.ValueType], type):
    KIND_UNKNOWN: _TrackKind.ValueType
    KIND_AUDIO: _TrackKind.ValueType
    KIND_VIDEO: _TrackKind.ValueType

class TrackKind(_TrackKind, metaclass=_TrackKindWrapper): ...

class _TrackSource:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _TrackSourceWrapper(_EnumTypeWrapper[_TrackSource.ValueType], type):
    SOURCE_UNKNOWN: _TrackSource.ValueType
    SOURCE_CAMERA: _TrackSource.ValueType
    SOURCE_MICROPHONE: _TrackSource.ValueType
    SOURCE_SCREENSHARE: _TrackSource.ValueType
    SOURCE_SCREENSHARE_AUDIO: _TrackSource.ValueType

class TrackSource(_TrackSource, metaclass=_TrackSourceWrapper): ...

class _StreamState:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _StreamStateWrapper(_EnumTypeWrapper[_StreamState.ValueType], type):
    STATE_UNKNOWN: _StreamState.ValueType
    STATE_ACTIVE: _StreamState.ValueType
    STATE_PAUSED: _StreamState.ValueType

class StreamState(_StreamState, metaclass=_StreamStateWrapper): ...

class _AudioTrackFeature:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _AudioTrackFeatureWrapper(_EnumTypeWrapper[_AudioTrackFeature.ValueType], type):
    TF_STEREO: _AudioTrackFeature.ValueType
    TF_NO_DTX: _AudioTrackFeature.ValueType
    TF_AUTO_GAIN_CONTROL: _AudioTrackFeature.ValueType
    TF_ECHO_CANCELLATION: _AudioTrackFeature.ValueType
    TF_NOISE_SUPPRESSION: _AudioTrackFeature.ValueType
    TF_ENHANCED_NOISE_CANCELLATION: _AudioTrackFeature.ValueType
    TF_PRECONNECT_BUFFER: _AudioTrackFeature.ValueType

class AudioTrackFeature(_AudioTrackFeature, metaclass=_AudioTrackFeatureWrapper): ...

class _FrameMetadataFeature:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _FrameMetadataFeatureWrapper(_EnumTypeWrapper[_FrameMetadataFeature.ValueType], type):
    FMF_USER_TIMESTAMP: _FrameMetadataFeature.ValueType
    FMF_FRAME_ID: _FrameMetadataFeature.ValueType
    FMF_USER_DATA: _FrameMetadataFeature.ValueType

class FrameMetadataFeature(_FrameMetadataFeature, metaclass=_FrameMetadataFeatureWrapper): ...

class _VideoQuality:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _VideoQualityWrapper(_EnumTypeWrapper[_VideoQuality.ValueType], type):
    VIDEO_QUALITY_LOW: _VideoQuality.ValueType
    VIDEO_QUALITY_MEDIUM: _VideoQuality.ValueType
    VIDEO_QUALITY_HIGH: _VideoQuality.ValueType

class VideoQuality(_VideoQuality, metaclass=_VideoQualityWrapper): ...

class _VideoCodec:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _VideoCodecWrapper(_EnumTypeWrapper[_VideoCodec.ValueType], type):
    VP8: _VideoCodec.ValueType
    H264: _VideoCodec.ValueType
    AV1: _VideoCodec.ValueType
    VP9: _VideoCodec.ValueType
    H265: _VideoCodec.ValueType

class VideoCodec(_VideoCodec, metaclass=_VideoCodecWrapper): ...

class _EncodedFrameType:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _EncodedFrameTypeWrapper(_EnumTypeWrapper[_EncodedFrameType.ValueType], type):
    ENCODED_FRAME_KEY: _EncodedFrameType.ValueType
    ENCODED_FRAME_DELTA: _EncodedFrameType.ValueType

class EncodedFrameType(_EncodedFrameType, metaclass=_EncodedFrameTypeWrapper): ...

class _VideoRotation:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _VideoRotationWrapper(_EnumTypeWrapper[_VideoRotation.ValueType], type):
    VIDEO_ROTATION_0: _VideoRotation.ValueType
    VIDEO_ROTATION_90: _VideoRotation.ValueType
    VIDEO_ROTATION_180: _VideoRotation.ValueType
    VIDEO_ROTATION_270: _VideoRotation.ValueType

class VideoRotation(_VideoRotation, metaclass=_VideoRotationWrapper): ...

class _VideoBufferType:
    ValueType = NewType("ValueType", int)
    V: TypeAlias = ValueType

class _VideoBufferTypeWrapper(_EnumTypeWrapper[_VideoBufferType.ValueType], type):
    RGBA: _VideoBufferType.ValueType
    ABGR: _VideoBufferType.ValueType
    ARGB: _VideoBufferType.ValueType
    BGRA: _VideoBufferType.ValueType
    RGB24: _VideoBufferType.ValueType
    I420: _VideoBufferType.ValueType
    I420A: _VideoBufferType.ValueType
    I422: _VideoBufferType.ValueType
    I444: _VideoBufferType.ValueType
    I010: _VideoBufferType.ValueType
    NV12: _VideoBufferType.ValueType

class VideoBufferType(_VideoBufferType, metaclass=_VideoBufferTypeWrapper): ...
