"""Numbers of channels: mono to several, several to mono, four to two.

Samples are signed 16-bit, channels interleaved.
"""

from __future__ import annotations

from array import array

from .samples import mean

__all__ = ["interleave", "remix", "separate"]

QUAD = 4


def remix(samples: array[int], channels: int, to_channels: int) -> array[int]:
    """Return `samples` with another number of channels.

    Mono is copied to each channel; to mono, the channels are averaged; of four channels (front left, front right, back
    left, back right) each side is averaged to stereo. Averages are rounded down.

    Raises:
        ValueError: another combination, for example mono to stereo to six channels.
    """
    if channels == to_channels:
        return samples
    if channels == 1:
        return interleave([samples] * to_channels)
    if to_channels == 1:
        return _average(separate(samples, channels))
    if (channels, to_channels) == (QUAD, QUAD // 2):
        front_left, front_right, back_left, back_right = separate(samples, channels)
        return interleave([_average([front_left, back_left]), _average([front_right, back_right])])
    raise ValueError(
        f"{channels} channels cannot be mixed to {to_channels}: one to any number, any to one, and four to two can"
    )


def separate(samples: array[int], channels: int) -> list[array[int]]:
    """Return the samples of each channel."""
    return [samples[channel::channels] for channel in range(channels)]


def interleave(separated: list[array[int]]) -> array[int]:
    """Return the samples of all channels, which are of the same length, interleaved."""
    channels = len(separated)
    samples = array("h", bytes(2 * channels * len(separated[0])))
    for channel, own in enumerate(separated):
        samples[channel::channels] = own
    return samples


def _average(separated: list[array[int]]) -> array[int]:
    if len(separated) == 2:
        return mean(*separated)
    return array("h", [sum(together) // len(separated) for together in zip(*separated, strict=True)])
