"""Errors of publishing audio and video tracks."""

from __future__ import annotations

__all__ = ["PublishTrackError", "UnpublishTrackError"]


class PublishTrackError(Exception):
    """A track was not published."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UnpublishTrackError(Exception):
    """A track could not be unpublished."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
