"""Application packets: user data, transcriptions, DTMF tones and chat messages."""

from __future__ import annotations

from .packets import ChatMessage, DataPacket, SipDTMF, Transcription, TranscriptionSegment

__all__ = ["ChatMessage", "DataPacket", "SipDTMF", "Transcription", "TranscriptionSegment"]
