"""Transcriptions."""

from __future__ import annotations

from livekit import Transcription, TranscriptionSegment

__all__ = ["Transcription", "TranscriptionSegment"]
