"""Publishing data tracks: the part of a local participant that does."""

from __future__ import annotations

from livekit._room.local_context import LocalComponent
from livekit.errors import SessionClosedError

from .tracks import LocalDataTrack, PublishDataTrackError


class DataTrackPublisher(LocalComponent):
    async def publish_data_track(self, *, name: str) -> LocalDataTrack:
        """Publish a data track: frames of bytes, sent to whoever subscribes; what is lost is not sent again.

        Args:
            name: unique among one's own tracks, 1 to 256 bytes.

        Raises:
            PublishDataTrackError: the server refused, or the room is not connected.
        """
        try:
            return await self._require_publish_context().tracks.publish(name)
        except (SessionClosedError, PermissionError) as error:
            raise PublishDataTrackError(str(error)) from error
