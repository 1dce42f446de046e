"""Audio of a track, frame by frame."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from livekit._event_loop import check_loop
from livekit.media.frame_processor import FrameProcessor

from .block import AudioBlock, AudioFeed, AudioSink, TrackStream
from .frame import AudioFrame, AudioFrameEvent
from .frame_cutter import FrameCutter

if TYPE_CHECKING:
    from livekit.enums import TrackSource
    from livekit.media.tracks import Track
    from livekit.participant import Participant

__all__ = ["AudioStream", "NoiseCancellationOptions"]

logger = logging.getLogger("livekit")

MAX_QUEUED_MS = 30_000
"""Audio that is kept for a stream of unlimited capacity; the oldest is dropped."""
MAX_FRAME_MS = 10_000


@dataclass
class NoiseCancellationOptions:
    """A noise cancellation filter and its options."""

    module_id: str
    options: dict[str, Any]


class StreamOwner(Protocol):
    """What a stream needs of its track or participant."""

    def _audio_feed(self, *source: TrackSource.ValueType) -> AudioFeed: ...
    def _register_audio_stream(self, stream: TrackStream) -> None: ...
    def _unregister_audio_stream(self, stream: TrackStream) -> None: ...


class AudioStream:
    """The audio frames of a track, from its creation until `aclose` or the track's end.

    Frames come at a constant pace whether there is sound or not: those of silence, of a muted track and of packets that
    are late are zeros or concealed.
    """

    def __init__(
        self,
        track: Track,
        loop: asyncio.AbstractEventLoop | None = None,
        capacity: int = 0,
        sample_rate: int = 48000,
        num_channels: int = 1,
        frame_size_ms: int | None = None,
        noise_cancellation: NoiseCancellationOptions | FrameProcessor[AudioFrame] | None = None,
        auto_close_noise_cancellation: bool = True,
        **kwargs: Any,
    ) -> None:
        """Create a stream of `track`, local or remote.

        Args:
            track: an audio track.
            loop: the event loop to use; the current one by default.
            capacity: frames to keep while the application does not read; the oldest are dropped. 0 keeps 30 s of audio.
            sample_rate: in Hz.
            num_channels: 1 or 2.
            frame_size_ms: the length of frames, 10 ms by default.
            noise_cancellation: a processor of the frames. Native filters, which `NoiseCancellationOptions` name, are
                not available: frames are not changed then.
            auto_close_noise_cancellation: close the processor in `aclose`.

        Raises:
            TypeError: `track` has no audio.
            ValueError: An argument is out of its range.
            OpusNotFoundError: The track is remote, and there is no libopus.
        """
        if frame_size_ms is not None and not 0 <= frame_size_ms <= MAX_FRAME_MS:
            raise ValueError(f"frame_size_ms is at most {MAX_FRAME_MS}, and not negative; not {frame_size_ms}")
        if capacity < 0:
            raise ValueError(f"capacity is a number of frames, and not negative; not {capacity}")
        self._loop = loop or asyncio.get_event_loop()
        participant: object = kwargs.get("participant")
        owner: object = track if participant is None else participant
        if not hasattr(owner, "_audio_feed"):
            raise TypeError(f"AudioStream needs an audio track or a participant, not {type(owner).__name__}")
        self._owner = cast("StreamOwner", owner)
        self._processor = noise_cancellation if isinstance(noise_cancellation, FrameProcessor) else None
        self._closes_processor = auto_close_noise_cancellation
        if isinstance(noise_cancellation, NoiseCancellationOptions):
            logger.warning(
                "the noise cancellation filter %s is a native module, which this package cannot run: audio is passed "
                "on unchanged",
                noise_cancellation.module_id,
            )
        self._is_unlimited = not capacity
        self._queue: deque[AudioFrameEvent] = deque(maxlen=capacity or MAX_QUEUED_MS // (frame_size_ms or 10))
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._ended = False
        self._closed = False
        self._dropped = False
        self._cutter = FrameCutter(frame_size_ms or None)
        feed = self._owner._audio_feed(*[] if participant is None else [kwargs["track_source"]])
        sink = _weak_sink(self)
        feed.add_sink(sample_rate, num_channels, sink)
        self._detach = weakref.finalize(self, feed.remove_sink, sink)
        self._owner._register_audio_stream(self)

    @classmethod
    def from_participant(
        cls,
        *,
        participant: Participant,
        track_source: TrackSource.ValueType,
        loop: asyncio.AbstractEventLoop | None = None,
        capacity: int = 0,
        sample_rate: int = 48000,
        num_channels: int = 1,
        frame_size_ms: int | None = None,
        noise_cancellation: NoiseCancellationOptions | FrameProcessor[AudioFrame] | None = None,
        auto_close_noise_cancellation: bool = True,
    ) -> AudioStream:
        """Create a stream of a participant's microphone, or another source: of the track now subscribed, and of those
        to come. The arguments are those of the constructor."""
        return cls(
            None,  # type: ignore[arg-type]
            loop,
            capacity,
            sample_rate,
            num_channels,
            frame_size_ms,
            noise_cancellation,
            auto_close_noise_cancellation,
            participant=participant,
            track_source=track_source,
        )

    @classmethod
    def from_track(
        cls,
        *,
        track: Track,
        loop: asyncio.AbstractEventLoop | None = None,
        capacity: int = 0,
        sample_rate: int = 48000,
        num_channels: int = 1,
        frame_size_ms: int | None = None,
        noise_cancellation: NoiseCancellationOptions | FrameProcessor[AudioFrame] | None = None,
        auto_close_noise_cancellation: bool = False,
    ) -> AudioStream:
        """Create a stream of `track`. The arguments are those of the constructor."""
        return cls(
            track,
            loop,
            capacity,
            sample_rate,
            num_channels,
            frame_size_ms,
            noise_cancellation,
            auto_close_noise_cancellation,
        )

    async def aclose(self) -> None:
        """Close the stream: iteration ends at once. May be called again."""
        if self._closed:
            return
        self._closed = True
        self._queue.clear()
        self._end()
        self._owner._unregister_audio_stream(self)
        if self._processor is not None and self._closes_processor:
            self._processor._close()

    def __aiter__(self) -> AsyncIterator[AudioFrameEvent]:
        return self

    async def __anext__(self) -> AudioFrameEvent:
        """Return the next frame.

        Raises:
            StopAsyncIteration: The stream is closed, or the track has ended and its frames are read.
            EventLoopError: Called on another event loop.
        """
        check_loop(self._loop)
        while not self._queue:
            if self._ended:
                raise StopAsyncIteration
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                if waiter.cancelled() and waiter in self._waiters:  # else a frame or the end came at the same time
                    self._waiters.remove(waiter)
        return self._queue.popleft()

    def _end(self) -> None:
        """End iteration after the frames that are queued: the track has ended."""
        self._ended = True
        self._detach()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    def _receive(self, block: AudioBlock) -> None:
        for frame in self._cutter.cut(block):
            if len(self._queue) == self._queue.maxlen and self._is_unlimited and not self._dropped:
                self._dropped = True
                logger.warning(
                    "an AudioStream is not read: more than %d s of audio are queued, and the oldest is dropped. "
                    "Read it, or close it with aclose()",
                    MAX_QUEUED_MS // 1000,
                )
            self._queue.append(AudioFrameEvent(self._process(frame)))
            self._wake_reader()

    def _wake_reader(self) -> None:
        """Wake the reader that has waited longest; those that are being cancelled do not count."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _process(self, frame: AudioFrame) -> AudioFrame:
        processor = self._processor
        if processor is None or not processor.enabled:
            return frame
        try:
            return processor._process(frame)
        except Exception:
            logger.warning("Frame processing failed, passing through original frame", exc_info=True)
            return frame


def _weak_sink(stream: AudioStream) -> AudioSink:
    """Return a sink that does not keep `stream` alive."""
    reference = weakref.ref(stream)

    def receive(block: AudioBlock) -> None:
        stream = reference()
        if stream is not None:
            stream._receive(block)

    return receive
