"""Sample rate conversion by a polyphase filter: no dependency, fixed delay, and 10 ms in give 10 ms out.

Each output sample is the input filtered by a windowed sinc, of which only the taps for its position are computed.
"""

from __future__ import annotations

import functools
import math
import operator
import sys
from array import array
from collections.abc import Iterator, Sequence

from .channels import interleave, separate
from .samples import saturate

__all__ = ["PolyphaseResampler"]

ZERO_CROSSINGS = 16
"""Of the sinc, at each side; the transition band narrows with more."""
ROLL_OFF = 0.92
"""The cutoff, as a part of the lower of the two Nyquist frequencies."""
KAISER_BETA = 8.0
"""Attenuates by about 80 dB in the stop band."""
MAX_PHASES = 1024
"""Different positions between two input samples; with more, as between 48,000 and 44,099 Hz, the one before is used."""
FRACTION_BITS = 15

if sys.version_info >= (3, 12):
    _dot = math.sumprod
else:

    def _dot(one: Sequence[int], other: Sequence[int]) -> int:
        return sum(map(operator.mul, one, other))


class PolyphaseResampler:
    """Converts a stream of signed 16-bit samples, channels interleaved, to another rate.

    Args:
        input_rate: in Hz.
        output_rate: in Hz.
        channels: the number of interleaved channels.
        delayed: The output starts with the filter's delay (18 samples of the lower rate) of silence, so that each block
            of input gives as much output. Otherwise the output is aligned with the input: the first block gives less,
            and `flush` the rest.
    """

    def __init__(self, input_rate: int, output_rate: int, channels: int = 1, *, delayed: bool = False) -> None:
        divisor = math.gcd(input_rate, output_rate)
        self._up, self._down = output_rate // divisor, input_rate // divisor
        self._channels = channels
        self._filter = _filter(self._up, self._down)
        taps = len(self._filter[0])
        self._start = taps - 1 if delayed else taps // 2 - 1
        self._rest = [[0] * self._start for _ in range(channels)]
        self._phase = 0
        """Of the next output sample after the first one in `_rest`, in parts of ``1 / up`` input samples."""

    def process(self, samples: array[int]) -> array[int]:
        """Return the output that is ready after more input, which is a whole number of samples of all channels."""
        if self._up == self._down:
            return samples
        buffers = [
            rest + list(added) for rest, added in zip(self._rest, separate(samples, self._channels), strict=True)
        ]
        taps = len(self._filter[0])
        available = len(buffers[0]) - taps + 1
        count = max(-(-(available * self._up - self._phase) // self._down), 0)
        plan = list(self._plan(count))
        used, self._phase = divmod(self._phase + count * self._down, self._up)
        self._rest = [buffer[used:] for buffer in buffers]
        return interleave([_filtered(buffer, plan, taps) for buffer in buffers])

    def flush(self) -> array[int]:
        """Return the rest of the output, and reset the filter."""
        taps = len(self._filter[0])
        tail = self.process(array("h", bytes(2 * self._channels * (taps // 2))))
        self._rest, self._phase = [[0] * self._start for _ in range(self._channels)], 0
        return tail if self._up != self._down else array("h")

    def _plan(self, count: int) -> Iterator[tuple[int, Sequence[int]]]:
        """Yield the first input sample and the taps of each output sample."""
        up, phases = self._up, len(self._filter)
        position = self._phase
        for _ in range(count):
            start, phase = divmod(position, up)
            yield start, self._filter[phase * phases // up]
            position += self._down


def _filtered(buffer: list[int], plan: list[tuple[int, Sequence[int]]], taps: int) -> array[int]:
    half = 1 << (FRACTION_BITS - 1)
    output = [(_dot(buffer[start : start + taps], weights) + half) >> FRACTION_BITS for start, weights in plan]
    return saturate(output)


@functools.lru_cache(maxsize=16)
def _filter(up: int, down: int) -> Sequence[Sequence[int]]:
    """Return the taps of each phase, as fixed-point numbers of which each phase's sum is 1."""
    scale = min(1.0, up / down) * ROLL_OFF
    half = math.ceil(ZERO_CROSSINGS / scale)
    phases = min(up, MAX_PHASES)
    return [_taps(phase / phases, half, scale) for phase in range(phases)]


def _taps(offset: float, half: int, scale: float) -> list[int]:
    distances = [index - half + 1 - offset for index in range(2 * half)]
    weights = [_sinc(scale * distance) * _kaiser(distance / half) for distance in distances]
    total = sum(weights)
    one = 1 << FRACTION_BITS
    taps = [round(weight * one / total) for weight in weights]
    taps[half - 1 if offset < 0.5 else half] += one - sum(taps)
    return taps


def _sinc(x: float) -> float:
    return math.sin(math.pi * x) / (math.pi * x) if x else 1.0


def _kaiser(x: float) -> float:
    return _bessel(KAISER_BETA * math.sqrt(max(1 - x * x, 0.0)))


def _bessel(x: float) -> float:
    """Return the modified Bessel function of the first kind, order 0."""
    total = term = 1.0
    k = 1
    while term > total * 1e-10:
        term *= (x / (2 * k)) ** 2
        total += term
        k += 1
    return total
