"""The official SDK's enums and messages, as data from which `_descriptors` builds `livekit.enums` and `messages`.

An enum is its members in order, numbered from 0 or from the last ``=number`` on. A message is its fields:
``name:type``, where no type is a string, a capital letter begins another type's name, ``?`` means optional, ``*``
repeated, ``{}`` a map by string, and neither required. ``Name|choice`` is a message whose fields are one ``oneof``.
"""

from __future__ import annotations

ENUMS = {
    "ConnectionState": "CONN_DISCONNECTED CONN_CONNECTED CONN_RECONNECTING",
    "SimulateScenarioKind": (
        "SIMULATE_SIGNAL_RECONNECT SIMULATE_SPEAKER SIMULATE_NODE_FAILURE SIMULATE_SERVER_LEAVE SIMULATE_MIGRATION "
        "SIMULATE_FORCE_TCP SIMULATE_FORCE_TLS SIMULATE_FULL_RECONNECT SIMULATE_DISCONNECT_SIGNAL_ON_RESUME"
    ),
    "DataPacketKind": "KIND_LOSSY KIND_RELIABLE",
    "IceTransportType": "TRANSPORT_RELAY TRANSPORT_NOHOST TRANSPORT_ALL",
    "ContinualGatheringPolicy": "GATHER_ONCE GATHER_CONTINUALLY",
    "VideoEncoderBackend": (
        "ENCODER_BACKEND_AUTO ENCODER_BACKEND_SOFTWARE ENCODER_BACKEND_HARDWARE ENCODER_BACKEND_NVENC "
        "ENCODER_BACKEND_VAAPI ENCODER_BACKEND_VIDEOTOOLBOX ENCODER_BACKEND_PRE_ENCODED"
    ),
    "DegradationPreference": (
        "DEGRADATION_PREFERENCE_BALANCED DEGRADATION_PREFERENCE_MAINTAIN_FRAMERATE "
        "DEGRADATION_PREFERENCE_MAINTAIN_RESOLUTION DEGRADATION_PREFERENCE_MAINTAIN_FRAMERATE_AND_RESOLUTION=4"
    ),
    "ParticipantState": (
        "PARTICIPANT_STATE_JOINING PARTICIPANT_STATE_JOINED PARTICIPANT_STATE_ACTIVE PARTICIPANT_STATE_DISCONNECTED"
    ),
    "ParticipantKind": (
        "PARTICIPANT_KIND_STANDARD PARTICIPANT_KIND_INGRESS PARTICIPANT_KIND_EGRESS PARTICIPANT_KIND_SIP "
        "PARTICIPANT_KIND_AGENT PARTICIPANT_KIND_CONNECTOR PARTICIPANT_KIND_BRIDGE"
    ),
    "ParticipantKindDetail": (
        "PARTICIPANT_KIND_DETAIL_CLOUD_AGENT PARTICIPANT_KIND_DETAIL_FORWARDED "
        "PARTICIPANT_KIND_DETAIL_CONNECTOR_WHATSAPP PARTICIPANT_KIND_DETAIL_CONNECTOR_TWILIO "
        "PARTICIPANT_KIND_DETAIL_BRIDGE_RTSP PARTICIPANT_KIND_DETAIL_SIMULATION"
    ),
    "DisconnectReason": (
        "UNKNOWN_REASON CLIENT_INITIATED DUPLICATE_IDENTITY SERVER_SHUTDOWN PARTICIPANT_REMOVED ROOM_DELETED "
        "STATE_MISMATCH JOIN_FAILURE MIGRATION SIGNAL_CLOSE ROOM_CLOSED USER_UNAVAILABLE USER_REJECTED "
        "SIP_TRUNK_FAILURE CONNECTION_TIMEOUT MEDIA_FAILURE AGENT_ERROR"
    ),
    "EncryptionType": "NONE GCM CUSTOM",
    "KeyDerivationFunction": "PBKDF2 HKDF",
    "EncryptionState": "NEW OK ENCRYPTION_FAILED DECRYPTION_FAILED MISSING_KEY KEY_RATCHETED INTERNAL_ERROR",
    "TrackKind": "KIND_UNKNOWN KIND_AUDIO KIND_VIDEO",
    "TrackSource": "SOURCE_UNKNOWN SOURCE_CAMERA SOURCE_MICROPHONE SOURCE_SCREENSHARE SOURCE_SCREENSHARE_AUDIO",
    "StreamState": "STATE_UNKNOWN STATE_ACTIVE STATE_PAUSED",
    "AudioTrackFeature": (
        "TF_STEREO TF_NO_DTX TF_AUTO_GAIN_CONTROL TF_ECHO_CANCELLATION TF_NOISE_SUPPRESSION "
        "TF_ENHANCED_NOISE_CANCELLATION TF_PRECONNECT_BUFFER"
    ),
    "FrameMetadataFeature": "FMF_USER_TIMESTAMP FMF_FRAME_ID FMF_USER_DATA",
    "VideoQuality": "VIDEO_QUALITY_LOW VIDEO_QUALITY_MEDIUM VIDEO_QUALITY_HIGH",
    "VideoCodec": "VP8 H264 AV1 VP9 H265",
    "EncodedFrameType": "ENCODED_FRAME_KEY ENCODED_FRAME_DELTA",
    "VideoRotation": "VIDEO_ROTATION_0 VIDEO_ROTATION_90 VIDEO_ROTATION_180 VIDEO_ROTATION_270",
    "VideoBufferType": "RGBA ABGR ARGB BGRA RGB24 I420 I420A I422 I444 I010 NV12",
}

MESSAGES = {
    "IceServer": "urls* username? password?",
    "VideoEncoding": "max_bitrate:uint64 max_framerate:double",
    "AudioEncoding": "max_bitrate:uint64",
    "TrackPublishOptions": (
        "video_encoding:VideoEncoding? audio_encoding:AudioEncoding? video_codec:VideoCodec? dtx:bool? red:bool? "
        "simulcast:bool? source:TrackSource? stream? preconnect_buffer:bool? "
        "frame_metadata_features:FrameMetadataFeature* scalability_mode? video_encoder:VideoEncoderBackend? "
        "degradation_preference:DegradationPreference?"
    ),
    "RoomInfo": (
        "sid? name metadata lossy_dc_buffered_amount_low_threshold:uint64 "
        "reliable_dc_buffered_amount_low_threshold:uint64 empty_timeout:uint32 departure_timeout:uint32 "
        "max_participants:uint32 creation_time:int64 num_participants:uint32 num_publishers:uint32 "
        "active_recording:bool"
    ),
    "ParticipantPermission": (
        "can_subscribe:bool can_publish:bool can_publish_data:bool can_publish_sources:TrackSource*=9 "
        "hidden:bool=7 can_update_metadata:bool=10 can_subscribe_metrics:bool=12 can_manage_agent_session:bool"
    ),
    "ParticipantTrackPermission": "participant_identity allow_all:bool? allowed_track_sids*",
    "FrameMetadata": "user_timestamp:uint64? frame_id:uint32? user_data:bytes?",
}
