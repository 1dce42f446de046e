"""The streams of a participant's sources, such as the microphone, over all tracks that are published as such."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING

from livekit.enums import TrackKind

from .audio.following_feed import FollowingFeed

if TYPE_CHECKING:
    from .audio.block import TrackStream
    from .publications import TrackPublication

__all__ = ["ParticipantAudio"]


class ParticipantAudio:
    """Lets the streams of one participant follow its tracks. It is created with the first stream."""

    def __init__(self, publications: Mapping[str, TrackPublication]) -> None:
        """`publications` are the participant's, by sid."""
        self.streams: weakref.WeakSet[TrackStream] = weakref.WeakSet()
        self._publications = publications
        self._feeds: dict[int, FollowingFeed] = {}

    def feed(self, source: int) -> FollowingFeed:
        """Return the audio of a source, whose values are those of `TrackSource`."""
        feed = self._feeds.get(source)
        if feed is None:
            feed = self._feeds[source] = FollowingFeed()
            self.update()
        return feed

    def update(self) -> None:
        """Follow the tracks that the publications have now."""
        for source, feed in self._feeds.items():
            tracks = (
                publication.track
                for publication in reversed(list(self._publications.values()))
                if publication.source == source and publication.kind == TrackKind.KIND_AUDIO
            )
            track = next((track for track in tracks if track is not None), None)
            feed.follow(None if track is None else track._audio_feed())

    def end(self) -> None:
        """End the streams: the participant has left, or the room is disconnected."""
        for stream in list(self.streams):
            stream._end()
