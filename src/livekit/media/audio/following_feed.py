"""The audio of one participant's source, such as the microphone, whichever track it is published as."""

from __future__ import annotations

from .block import AudioFeed, AudioSink
from .block_converter import check_format

__all__ = ["FollowingFeed"]


class FollowingFeed:
    """Passes on the audio of the current track; satisfies `livekit.media.audio.block.AudioFeed`.

    Without a track its sinks get nothing.
    """

    def __init__(self, feed: AudioFeed | None = None) -> None:
        self._feed = feed
        self._sinks: list[tuple[int, int, AudioSink]] = []

    def follow(self, feed: AudioFeed | None) -> None:
        """Pass on the audio of another track; None while there is none."""
        if feed is self._feed:
            return
        before, self._feed = self._feed, feed
        for sample_rate, channels, sink in self._sinks:
            if before is not None:
                before.remove_sink(sink)
            if feed is not None:
                feed.add_sink(sample_rate, channels, sink)

    def add_sink(self, sample_rate: int, channels: int, sink: AudioSink) -> None:
        """Call `sink` with blocks of this sample rate in Hz and 1 or 2 channels, until `remove_sink`.

        Raises:
            ValueError: The rate or the channel count is not possible.
            OpusNotFoundError: The track is remote, and there is no libopus.
        """
        check_format(sample_rate, channels)
        if self._feed is not None:
            self._feed.add_sink(sample_rate, channels, sink)
        self._sinks.append((sample_rate, channels, sink))

    def remove_sink(self, sink: AudioSink) -> None:
        """Stop calling `sink`; unknown ones are ignored."""
        if self._feed is not None:
            self._feed.remove_sink(sink)
        self._sinks = [kept for kept in self._sinks if kept[2] != sink]
