"""Playing to an output device."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from livekit._util.aio import start_task

from .audio.frame import SAMPLE_SIZE, AudioFrame
from .audio.mixer import AudioMixer
from .audio.stream import AudioStream
from .portaudio import load_sounddevice

if TYPE_CHECKING:
    from .audio.processing import AudioProcessingModule
    from .portaudio import DelayEstimator
    from .tracks import Track

__all__ = ["OutputPlayer"]

FRAMES_PER_SECOND = 100
MAX_WAITING = 0.5
"""Seconds of audio that may wait for the device; older audio is dropped, so that a slow device does not add delay."""

logger = logging.getLogger(__name__)


class OutputPlayer:
    """Plays tracks, mixed, to an output device. Made by `MediaDevices.open_output`.

    Args:
        sample_rate: in Hz.
        num_channels: of the device.
        blocksize: samples per channel that the device takes at a time.
        apm_for_reverse: Is given what is played, so that it can cancel the echo.
        output_device: The device's index; None for the default.
        delay_estimator: Is told the delay of playing.

    Raises:
        ImportError: sounddevice is not installed.
        OSError: PortAudio is not installed.
    """

    def __init__(
        self,
        *,
        sample_rate: int = 48000,
        num_channels: int = 1,
        blocksize: int = 4800,
        apm_for_reverse: AudioProcessingModule | None = None,
        output_device: int | None = None,
        delay_estimator: DelayEstimator | None = None,
    ) -> None:
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._apm = apm_for_reverse
        self._delay_estimator = delay_estimator
        self._waiting = bytearray()
        self._lock = threading.Lock()
        self._mixer: AudioMixer | None = None
        self._streams: dict[str, _Frames] = {}
        self._task: asyncio.Task[None] | None = None
        self._stream = load_sounddevice().OutputStream(
            callback=self._callback,
            dtype="int16",
            channels=num_channels,
            device=output_device,
            samplerate=sample_rate,
            blocksize=blocksize,
        )

    async def add_track(self, track: Track) -> None:
        """Play a track from now on.

        Raises:
            ValueError: it is being played already.
        """
        if track.sid in self._streams:
            raise ValueError(f"Track {track.sid} already added to player")
        frames = _Frames(AudioStream(track, sample_rate=self._sample_rate, num_channels=self._num_channels))
        self._streams[track.sid] = frames
        self._open_mixer().add_stream(frames)

    async def remove_track(self, track: Track) -> None:
        """Play a track no more. One that is not played is ignored."""
        frames = self._streams.pop(track.sid, None)
        if frames is not None:
            self._open_mixer().remove_stream(frames)
            await frames.aclose()

    async def start(self) -> None:
        """Start the device. Tracks may be added and removed before and after.

        Raises:
            RuntimeError: it was started already.
        """
        if self._task is not None and not self._task.done():
            raise RuntimeError("Playback already started")
        self._stream.start()
        self._task = start_task(self._play(self._open_mixer()), name="livekit loudspeaker")

    async def aclose(self) -> None:
        """Stop playing and close the device and the streams of all tracks."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._mixer is not None:
            await self._mixer.aclose()
            self._mixer = None
        streams, self._streams = self._streams, {}
        for frames in streams.values():
            await frames.aclose()
        try:
            self._stream.stop()
            self._stream.close()
        except Exception:
            logger.warning("The output device could not be closed", exc_info=True)

    def _open_mixer(self) -> AudioMixer:
        if self._mixer is None:
            self._mixer = AudioMixer(self._sample_rate, self._num_channels)
        return self._mixer

    async def _play(self, mixer: AudioMixer) -> None:
        limit = int(MAX_WAITING * self._sample_rate) * self._num_channels * SAMPLE_SIZE
        async for block in mixer:
            with self._lock:
                self._waiting += block.data.cast("B")
                del self._waiting[: max(len(self._waiting) - limit, 0)]

    def _callback(self, outdata: Any, frame_count: int, time_info: Any, status: Any) -> None:
        """Fill a block of the device; called by PortAudio's thread."""
        size = frame_count * self._num_channels * SAMPLE_SIZE
        with self._lock:
            content = bytes(self._waiting[:size])
            del self._waiting[:size]
        content = content.ljust(size, b"\0")
        memoryview(outdata).cast("B")[:] = content
        if self._delay_estimator is not None:
            self._delay_estimator.set_output_delay(time_info.outputBufferDacTime - time_info.currentTime)
        if self._apm is not None:
            self._tell_processing(self._apm, content)

    def _tell_processing(self, apm: AudioProcessingModule, content: bytes) -> None:
        samples = self._sample_rate // FRAMES_PER_SECOND
        size = samples * self._num_channels * SAMPLE_SIZE
        for start in range(0, len(content) - size + 1, size):
            data = content[start : start + size]
            apm.process_reverse_stream(AudioFrame(data, self._sample_rate, self._num_channels, samples))


class _Frames(AsyncIterator[AudioFrame]):
    """The frames of a stream, without their events."""

    def __init__(self, stream: AudioStream) -> None:
        self._stream = stream

    async def __anext__(self) -> AudioFrame:
        return (await anext(self._stream)).frame

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()
