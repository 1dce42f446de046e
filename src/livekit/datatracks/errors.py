"""Errors of data tracks, with the official SDK's names."""

from __future__ import annotations


class _DataTrackError(Exception):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class PublishDataTrackError(_DataTrackError):
    """A data track was not published."""


class PushFrameError(_DataTrackError):
    """A frame was not sent: the track is unpublished, the room is not connected, or the send buffer is full."""


class SubscribeDataTrackError(_DataTrackError):
    """A data track could not be subscribed to."""
