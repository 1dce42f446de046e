"""The room."""

from __future__ import annotations

from livekit import (
    ConnectError,
    ConnectionState,
    DataPacket,
    DataStreamOptions,
    DisconnectReason,
    Room,
    RoomOptions,
    RtcConfiguration,
    RtcStats,
    SimulateScenarioKind,
    SipDTMF,
)
from livekit.room import EventTypes
from livekit.rtc._proto import participant_pb2 as proto_participant
from livekit.rtc._proto import room_pb2 as proto_room
from livekit.rtc._proto import stats_pb2 as proto_stats

__all__ = [
    "ConnectError",
    "ConnectionState",
    "DataPacket",
    "DataStreamOptions",
    "DisconnectReason",
    "EventTypes",
    "Room",
    "RoomOptions",
    "RtcConfiguration",
    "RtcStats",
    "SimulateScenarioKind",
    "SipDTMF",
    "proto_participant",
    "proto_room",
    "proto_stats",
]
