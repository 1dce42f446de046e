"""Blocks of 10 ms of audio, the unit in which sources, receivers and streams pass it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from livekit.media.frame_processor import FrameProcessor

__all__ = ["BLOCKS_PER_SECOND", "BLOCK_SECONDS", "AudioBlock", "AudioFeed", "AudioSink", "TrackStream"]

BLOCKS_PER_SECOND = 100
BLOCK_SECONDS = 1 / BLOCKS_PER_SECOND


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """10 ms of audio."""

    pcm: bytes
    """Signed 16-bit samples in native byte order, channels interleaved."""
    sample_rate: int
    """Hz."""
    channels: int
    index: int
    """Position on the time line of the source or receiver, in blocks. It jumps over time that has no audio."""


AudioSink: TypeAlias = Callable[[AudioBlock], None]
"""Called on the event loop with each block. It must not block, and its exceptions are logged."""


class AudioFeed(Protocol):
    """Gives a track's audio to streams: a block each 10 ms, whether there is sound or not.

    `AudioStream` gets it from the track: an `AudioReceiver`, or a `SourceFeed` of the local track's source. The track
    keeps its streams by `_register_audio_stream` and ends them by `AudioStream._end` when it ends.
    """

    def add_sink(self, sample_rate: int, channels: int, sink: AudioSink) -> None:
        """Call `sink` with blocks of this sample rate in Hz and 1 or 2 channels, until `remove_sink`.

        Raises:
            ValueError: The rate or the channel count is not possible.
            OpusNotFoundError: The track is remote, and there is no libopus.
        """
        ...

    def remove_sink(self, sink: AudioSink) -> None:
        """Stop calling `sink`; unknown ones are ignored."""
        ...


class TrackStream(Protocol):
    """A stream of a track's audio, which ends with the track."""

    _processor: FrameProcessor[Any] | None

    def _end(self) -> None: ...
