"""Application packets as received and sent, with the official SDK's names unless stated otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit.enums import DataPacketKind
    from livekit.participant import Participant, RemoteParticipant


@dataclass
class DataPacket:
    """A packet of user data."""

    data: bytes
    kind: DataPacketKind.ValueType
    """Reliable, or lossy."""
    participant: RemoteParticipant | None
    """The sender; None for a server API call or a participant that has not been announced yet."""
    topic: str | None = None


@dataclass
class SipDTMF:
    """A DTMF tone."""

    code: int
    digit: str
    participant: RemoteParticipant | None = None
    """The sender; None for a server API call."""


@dataclass
class TranscriptionSegment:
    """A piece of a transcription. Segments with the same id replace each other until one is final."""

    id: str
    text: str
    start_time: int
    end_time: int
    language: str
    final: bool


@dataclass
class Transcription:
    """Transcribed speech of a participant."""

    participant_identity: str
    """The speaker."""
    track_sid: str
    segments: list[TranscriptionSegment]


@dataclass(frozen=True)
class ChatMessage:
    """A LiveKit chat message. (Not in the official Python SDK.)"""

    id: str
    timestamp: int
    """Unix time in milliseconds."""
    message: str
    edit_timestamp: int | None = None
    """Unix time in milliseconds of the last edit; None for a message that was never edited."""
    deleted: bool = False
    generated: bool = False
    """True if an agent wrote it on the participant's behalf."""
    participant: Participant | None = None
    """The author; None in sent messages and for unknown senders."""
