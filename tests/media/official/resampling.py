"""Write as JSON the output of resamplers, push by push, by `livekit.rtc` of whichever Python runs it."""

from __future__ import annotations

import json
import math
import sys
from array import array

from livekit import rtc

PAIRS = [(48000, 16000), (16000, 48000), (44100, 48000), (48000, 44100), (24000, 48000), (48000, 24000), (8000, 48000)]


def tone(rate: int, channels: int, start: int, count: int) -> bytes:
    """Return a tone of 440 Hz, in each further channel a third lower in level."""
    samples = [
        int(9000 * 0.66**channel * math.sin(math.tau * 440 * index / rate))
        for index in range(start, start + count)
        for channel in range(channels)
    ]
    return array("h", samples).tobytes()


def run(quality: rtc.AudioResamplerQuality, input_rate: int, output_rate: int, channels: int) -> list[list[int]]:
    resampler = rtc.AudioResampler(input_rate, output_rate, num_channels=channels, quality=quality)
    outputs: list[list[int]] = []
    position = 0
    for milliseconds in [10] * 12 + [20, 50, 1, 100]:
        count = input_rate * milliseconds // 1000
        data = tone(input_rate, channels, position, count)
        frames = resampler.push(rtc.AudioFrame(data, input_rate, channels, count))
        outputs.append([sample for frame in frames for sample in frame.data])
        position += count
    outputs.append([sample for frame in resampler.flush() for sample in frame.data])
    outputs.append([len(resampler.flush())])
    after = resampler.push(bytearray(tone(input_rate, channels, 0, input_rate // 5)))
    outputs.append([sample for frame in after for sample in frame.data])
    return outputs


CASES = [
    (quality, input_rate, output_rate, channels)
    for quality in rtc.AudioResamplerQuality
    for input_rate, output_rate in PAIRS
    for channels in (1, 2)
]

if __name__ == "__main__":
    outputs = {f"{quality.value} {rates}": run(quality, *rates) for quality, *rates in CASES}
    sys.stdout.write(json.dumps(outputs))
