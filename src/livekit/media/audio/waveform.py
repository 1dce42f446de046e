"""Changes of audio by whole pitch periods, without a click (WSOLA: waveform similarity overlap-add).

Audio is signed 16-bit samples, channels interleaved.
"""

from __future__ import annotations

from array import array
from math import sqrt
from operator import mul

__all__ = ["continuation", "crossfade", "find_period", "lengthen", "shorten"]

MIN_PERIOD = 0.0025
MAX_PERIOD = 0.015
"""Seconds; 67 to 400 Hz, or several periods of a higher pitch."""
SEARCH_RATE = 4000
"""Hertz to which the signal is decimated for the first search, which a second one refines."""
REFINED_RATE = 16_000


def find_period(samples: array[int], sample_rate: int, channels: int) -> tuple[int, float]:
    """Return after how many samples, all channels counted, the signal repeats itself, and how well, from -1 to 1.

    The end of `samples` is compared with what is before it, so their length limits the period to its half.
    """
    signal = samples[::channels]
    low = int(MIN_PERIOD * sample_rate)
    high = min(int(MAX_PERIOD * sample_rate), len(signal) // 2)
    coarse = max(sample_rate // SEARCH_RATE, 1)
    lag, _ = _best_lag(signal, range(low, high + 1, coarse), high, coarse)
    around = range(max(lag - coarse + 1, low), min(lag + coarse, high + 1))
    lag, similarity = _best_lag(signal, around, high, max(sample_rate // REFINED_RATE, 1))
    return channels * lag, similarity


def _best_lag(signal: array[int], lags: range, size: int, step: int) -> tuple[int, float]:
    end = len(signal)
    recent = signal[end - size : end : step]
    energy = sum(map(mul, recent, recent))
    best, highest = lags.start, -1.0
    for lag in lags:
        earlier = signal[end - size - lag : end - lag : step]
        product = energy * sum(map(mul, earlier, earlier))
        similarity = sum(map(mul, recent, earlier)) / sqrt(product) if product else 1.0
        if similarity > highest:
            best, highest = lag, similarity
    return best, highest


def crossfade(outgoing: array[int], incoming: array[int], channels: int) -> array[int]:
    """Return a linear fade from one signal to another of the same length."""
    frames = len(outgoing) // channels
    weights = [n // channels for n in range(len(outgoing))]
    return array(
        "h",
        [
            (one * (frames - weight) + two * weight) // frames
            for one, two, weight in zip(outgoing, incoming, weights, strict=True)
        ],
    )


def shorten(samples: array[int], sample_rate: int, channels: int) -> array[int]:
    """Return `samples`, at least 5 ms, without one period."""
    period, _ = find_period(samples, sample_rate, channels)
    start = len(samples) - 2 * period
    faded = crossfade(samples[start : start + period], samples[start + period :], channels)
    return samples[:start] + faded


def lengthen(samples: array[int], sample_rate: int, channels: int) -> array[int]:
    """Return `samples`, at least 5 ms, with one period twice."""
    period, _ = find_period(samples, sample_rate, channels)
    start = len(samples) - 2 * period
    faded = crossfade(samples[start + period :], samples[start : start + period], channels)
    return samples[: start + period] + faded + samples[start + period :]


def continuation(samples: array[int], period: int, start: int, count: int) -> array[int]:
    """Return `count` samples that continue a signal with its last period, from `start` samples after its end."""
    last = samples[len(samples) - period :]
    offset = start % period
    repeats = (offset + count) // period + 1
    return (last * repeats)[offset : offset + count]
