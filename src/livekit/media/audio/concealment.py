"""Concealment of lost audio: periodic sound goes on with its last period, other sound as the codec conceals it."""

from __future__ import annotations

from array import array
from typing import Protocol

from .waveform import continuation, crossfade, find_period

__all__ = ["AudioDecoder", "Concealment"]

HISTORY = 0.045
"""Seconds of audio in which the period is looked for."""
PERIODIC = 0.9
"""Similarity of successive periods from which sound counts as periodic."""
FULL_DURATION = 0.1
"""Seconds that periodic sound goes on at its amplitude; then it fades."""
FADE_DURATION = 0.2
STEPS_PER_SECOND = 400
"""Decoders conceal multiples of 2.5 ms; the timestamps of a peer may leave gaps of any length."""


class AudioDecoder(Protocol):
    """A decoder such as `livekit.media.codecs.opus.OpusDecoder`."""

    sample_rate: int
    channels: int

    def decode(self, packet: bytes) -> bytes: ...
    def decode_fec(self, packet: bytes, samples: int) -> bytes: ...
    def conceal(self, samples: int) -> bytes: ...


class Concealment:
    """Conceals the gaps of one decoder's output."""

    def __init__(self, decoder: AudioDecoder) -> None:
        self._decoder = decoder
        self._keep = int(HISTORY * decoder.sample_rate) * decoder.channels
        self._history: array[int] = array("h")
        self._period = 0  # of periodic sound in a gap; 0 outside gaps and for other sound
        self._in_gap = False
        self._concealed = 0  # samples of all channels, in this gap

    def played(self, pcm: array[int]) -> array[int]:
        """Return a decoded frame as it should be played: faded in if it ends a gap."""
        if self._in_gap and self._period:
            kept = len(pcm) // (2 * self._decoder.channels) * self._decoder.channels
            held = self._continue(len(pcm))
            pcm = held[:kept] + crossfade(held[kept:], pcm[kept:], self._decoder.channels)
        self._in_gap = False
        self._remember(pcm)
        return pcm

    def conceal(self, samples: int) -> array[int]:
        """Return `samples` per channel in place of lost ones."""
        decoder = self._decoder
        if not self._in_gap:
            self._in_gap, self._concealed = True, 0
            period, similarity = (
                find_period(self._history, decoder.sample_rate, decoder.channels)
                if len(self._history) == self._keep
                else (0, 0.0)
            )
            self._period = period if similarity > PERIODIC else 0
        if not self._period:
            step = decoder.sample_rate // STEPS_PER_SECOND
            steps = max(-(-samples // step), 1)
            pcm = array("h", decoder.conceal(steps * step))[: samples * decoder.channels]
            self._remember(pcm)
            return pcm
        pcm = self._continue(samples * decoder.channels)
        self._concealed += len(pcm)
        return pcm

    def _continue(self, count: int) -> array[int]:
        pcm = continuation(self._history, self._period, self._concealed, count)
        since = self._concealed / (self._decoder.sample_rate * self._decoder.channels)
        until = since + count / (self._decoder.sample_rate * self._decoder.channels)
        if until <= FULL_DURATION:
            return pcm
        first, last = _gain(since), _gain(until)
        return array("h", [int(sample * (first + (last - first) * n / count)) for n, sample in enumerate(pcm)])

    def _remember(self, pcm: array[int]) -> None:
        self._history = (self._history + pcm)[-self._keep :]


def _gain(since: float) -> float:
    return min(max(1 - (since - FULL_DURATION) / FADE_DURATION, 0.0), 1.0)
