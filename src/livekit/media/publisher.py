"""Publishing audio and video tracks."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from livekit.errors import MediaNotBuiltError

from .publications import LocalTrackPublication

if TYPE_CHECKING:
    from livekit.messages import ParticipantTrackPermission, TrackPublishOptions

    from .tracks import LocalTrack


class DegradationPreference(enum.IntEnum):
    """The quality that an encoder reduces first under congestion or overload."""

    BALANCED = 0
    MAINTAIN_FRAMERATE = 1
    MAINTAIN_RESOLUTION = 2
    MAINTAIN_FRAMERATE_AND_RESOLUTION = 4


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


class TrackPublisher:
    """Publishes tracks. Each method raises MediaNotBuiltError."""

    async def publish_track(
        self, track: LocalTrack, options: TrackPublishOptions | None = None
    ) -> LocalTrackPublication:
        raise MediaNotBuiltError("publish_track")

    async def unpublish_track(self, track_sid: str) -> None:
        raise MediaNotBuiltError("unpublish_track")

    def set_track_subscription_permissions(
        self,
        *,
        allow_all_participants: bool,
        participant_permissions: list[ParticipantTrackPermission] | None = None,
    ) -> None:
        raise MediaNotBuiltError("set_track_subscription_permissions")
