"""Enums of the official SDK; members are plain ints (see enums.pyi for the types)."""

from __future__ import annotations

from ._descriptors import enum

ConnectionState = enum("ConnectionState")
SimulateScenarioKind = enum("SimulateScenarioKind")
DataPacketKind = enum("DataPacketKind")
IceTransportType = enum("IceTransportType")
ContinualGatheringPolicy = enum("ContinualGatheringPolicy")
VideoEncoderBackend = enum("VideoEncoderBackend")
ParticipantState = enum("ParticipantState")
ParticipantKind = enum("ParticipantKind")
ParticipantKindDetail = enum("ParticipantKindDetail")
DisconnectReason = enum("DisconnectReason")
EncryptionType = enum("EncryptionType")
KeyDerivationFunction = enum("KeyDerivationFunction")
EncryptionState = enum("EncryptionState")
TrackKind = enum("TrackKind")
TrackSource = enum("TrackSource")
StreamState = enum("StreamState")
AudioTrackFeature = enum("AudioTrackFeature")
FrameMetadataFeature = enum("FrameMetadataFeature")
VideoQuality = enum("VideoQuality")
VideoCodec = enum("VideoCodec")
EncodedFrameType = enum("EncodedFrameType")
VideoRotation = enum("VideoRotation")
VideoBufferType = enum("VideoBufferType")
