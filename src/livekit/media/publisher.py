"""Publishing audio and video tracks."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from livekit._room.local_context import LocalParticipantMixin
from livekit.errors import SessionClosedError
from livekit.protocol import rtc

from .errors import PublishTrackError, UnpublishTrackError
from .publications import LocalTrackPublication

if TYPE_CHECKING:
    from livekit.messages import ParticipantTrackPermission, TrackPublishOptions

    from .tracks import LocalTrack

__all__ = ["DegradationPreference", "PublishTrackError", "TrackPublisher", "UnpublishTrackError"]


class DegradationPreference(enum.IntEnum):
    """The quality that an encoder reduces first under congestion or overload."""

    BALANCED = 0
    MAINTAIN_FRAMERATE = 1
    MAINTAIN_RESOLUTION = 2
    MAINTAIN_FRAMERATE_AND_RESOLUTION = 4


class TrackPublisher(LocalParticipantMixin):
    """Publishes audio tracks. Video tracks raise MediaNotBuiltError."""

    async def publish_track(
        self, track: LocalTrack, options: TrackPublishOptions | None = None
    ) -> LocalTrackPublication:
        """Publish a track; other participants subscribe to it. Returns when the server has accepted it.

        A source of two channels is sent in stereo. After a full reconnect the track is published again.

        Args:
            options: `source`, `dtx`, `red`, `audio_encoding`, `stream` and `preconnect_buffer` apply to audio.

        Raises:
            PublishTrackError: the server refused or did not answer within 10 s, the token does not grant publishing,
                the track is published already, or the room is not connected.
            OpusNotFoundError: there is no libopus.
            MediaNotBuiltError: it is a video track.
        """
        from livekit.messages import TrackPublishOptions

        try:
            context = self._require_context()
        except SessionClosedError as error:
            raise PublishTrackError(str(error)) from error
        copy = TrackPublishOptions()
        if options is not None:
            copy.CopyFrom(options)
        return await context.local_tracks.publish(track, copy)

    async def unpublish_track(self, track_sid: str) -> None:
        """Stop publishing a track. It may be published again.

        Raises:
            UnpublishTrackError: this participant does not publish a track with this sid, or is not connected.
        """
        try:
            context = self._require_context()
        except SessionClosedError as error:
            raise UnpublishTrackError(str(error)) from error
        await context.local_tracks.unpublish(track_sid)

    def set_track_subscription_permissions(
        self,
        *,
        allow_all_participants: bool,
        participant_permissions: list[ParticipantTrackPermission] | None = None,
    ) -> None:
        """Set who may subscribe to this participant's tracks; everyone by default.

        Args:
            participant_permissions: who may subscribe to which tracks; ignored if all participants are allowed.

        Raises:
            SessionClosedError: the room is not connected.
        """
        permission = rtc.SubscriptionPermission(all_participants=allow_all_participants)
        for each in participant_permissions or []:
            permission.track_permissions.add(
                participant_identity=each.participant_identity,
                all_tracks=each.allow_all,
                track_sids=each.allowed_track_sids,
            )
        self._require_context().local_tracks.set_subscription_permission(permission)
