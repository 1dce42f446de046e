"""Participants."""

from __future__ import annotations

from livekit import (
    ConnectionQuality,
    DegradationPreference,
    LocalParticipant,
    Participant,
    RemoteParticipant,
    RpcHandler,
)

__all__ = [
    "ConnectionQuality",
    "DegradationPreference",
    "LocalParticipant",
    "Participant",
    "RemoteParticipant",
    "RpcHandler",
]
