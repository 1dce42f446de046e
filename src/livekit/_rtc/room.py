"""The room."""

from __future__ import annotations

from livekit import (
    ByteStreamReader,
    ConnectError,
    ConnectionState,
    DataPacket,
    DataStreamOptions,
    DisconnectReason,
    E2EEManager,
    E2EEOptions,
    EventEmitter,
    LocalParticipant,
    Participant,
    RemoteAudioTrack,
    RemoteDataTrack,
    RemoteParticipant,
    RemoteTrackPublication,
    RemoteVideoTrack,
    Room,
    RoomOptions,
    RtcConfiguration,
    RtcStats,
    SimulateScenarioKind,
    SipDTMF,
    TextStreamReader,
    TrackKind,
    TrackPublication,
    TranscriptionSegment,
)
from livekit.room import EventTypes
from livekit.rtc._proto import participant_pb2 as proto_participant
from livekit.rtc._proto import room_pb2 as proto_room
from livekit.rtc._proto import stats_pb2 as proto_stats
from livekit.rtc._utils import BroadcastQueue
from livekit.rtc.data_stream import ByteStreamHandler, TextStreamHandler

__all__ = [
    "BroadcastQueue",
    "ByteStreamHandler",
    "ByteStreamReader",
    "ConnectError",
    "ConnectionState",
    "DataPacket",
    "DataStreamOptions",
    "DisconnectReason",
    "E2EEManager",
    "E2EEOptions",
    "EventEmitter",
    "EventTypes",
    "LocalParticipant",
    "Participant",
    "RemoteAudioTrack",
    "RemoteDataTrack",
    "RemoteParticipant",
    "RemoteTrackPublication",
    "RemoteVideoTrack",
    "Room",
    "RoomOptions",
    "RtcConfiguration",
    "RtcStats",
    "SimulateScenarioKind",
    "SipDTMF",
    "TextStreamHandler",
    "TextStreamReader",
    "TrackKind",
    "TrackPublication",
    "TranscriptionSegment",
    "proto_participant",
    "proto_room",
    "proto_stats",
]
