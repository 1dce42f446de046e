"""Errors of publishing packets, with the official SDK's names."""

from __future__ import annotations


class _PublishError(Exception):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class PublishDataError(_PublishError):
    """A data packet was not sent."""


class PublishDTMFError(_PublishError):
    """A DTMF tone was not sent."""


class PublishTranscriptionError(_PublishError):
    """A transcription was not sent."""
