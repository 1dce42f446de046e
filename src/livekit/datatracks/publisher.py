"""Publishing data tracks."""

from __future__ import annotations

from livekit._room.local_context import LocalParticipantMixin
from livekit.errors import SessionClosedError

from .tracks import LocalDataTrack, PublishDataTrackError


class DataTrackPublisher(LocalParticipantMixin):
    """Publishes data tracks."""

    async def publish_data_track(self, *, name: str) -> LocalDataTrack:
        """Publish a data track, which sends frames of bytes to its subscribers without retransmission.

        Args:
            name: 1 to 256 bytes, unique among this participant's data tracks.

        Raises:
            PublishDataTrackError: the server refused, or the room is not connected.
        """
        try:
            return await self._require_publish_context().data_tracks.publish(name)
        except (SessionClosedError, PermissionError) as error:
            raise PublishDataTrackError(str(error)) from error
