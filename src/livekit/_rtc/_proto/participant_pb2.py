"""Protobuf types of participants."""

from __future__ import annotations

from livekit.enums import DisconnectReason, ParticipantKind, ParticipantKindDetail, ParticipantState
from livekit.messages import ParticipantPermission

__all__ = ["DisconnectReason", "ParticipantKind", "ParticipantKindDetail", "ParticipantPermission", "ParticipantState"]
