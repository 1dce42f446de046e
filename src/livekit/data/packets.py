"""What packets carry, as applications see it; names are the official SDK's unless they say otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit.enums import DataPacketKind
    from livekit.participant import Participant, RemoteParticipant


@dataclass
class DataPacket:
    data: bytes
    kind: DataPacketKind.ValueType
    """Whether it was sent reliably or could have been lost."""
    participant: RemoteParticipant | None
    """Who sent it; None for a server, and for one that has not been announced yet."""
    topic: str | None = None


@dataclass
class SipDTMF:
    code: int
    digit: str
    participant: RemoteParticipant | None = None
    """Who sent it; None for a server."""


@dataclass
class TranscriptionSegment:
    id: str
    text: str
    start_time: int
    end_time: int
    language: str
    final: bool


@dataclass
class Transcription:
    participant_identity: str
    """Whose words they are."""
    track_sid: str
    segments: list[TranscriptionSegment]


@dataclass(frozen=True)
class ChatMessage:
    """A message of LiveKit's chat. (Ours; the official SDK for Python leaves them out.)"""

    id: str
    timestamp: int
    """In milliseconds since 1970."""
    message: str
    edit_timestamp: int | None = None
    """When it was changed; None for a first version."""
    deleted: bool = False
    generated: bool = False
    """An agent speaks for the participant."""
    participant: Participant | None = None
    """Who says it; None in what is sent, and where the sender is not known."""
