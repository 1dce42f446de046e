"""Packets of applications: data, transcriptions, DTMF tones, chat messages."""

from __future__ import annotations

from .packets import ChatMessage, DataPacket, SipDTMF, Transcription, TranscriptionSegment

__all__ = ["ChatMessage", "DataPacket", "SipDTMF", "Transcription", "TranscriptionSegment"]
