"""Messages of the official SDK, as protobuf classes (see messages.pyi for the types)."""

from __future__ import annotations

from ._descriptors import message

IceServer = message("IceServer")
VideoEncoding = message("VideoEncoding")
AudioEncoding = message("AudioEncoding")
TrackPublishOptions = message("TrackPublishOptions")
RoomInfo = message("RoomInfo")
ParticipantPermission = message("ParticipantPermission")
ParticipantTrackPermission = message("ParticipantTrackPermission")
FrameMetadata = message("FrameMetadata")
