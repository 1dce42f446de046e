"""Write as JSON what mixers give, by `livekit.rtc` of whichever Python runs it."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from livekit import rtc

RATE = 8000


def noise(seed: int, count: int, level: int) -> array[int]:
    generator = random.Random(seed)
    return array("h", [generator.randint(-level, level) for _ in range(count)])


async def stream(samples: array[int], channels: int, size: int) -> AsyncIterator[rtc.AudioFrame]:
    step = size * channels
    for start in range(0, len(samples), step):
        block = samples[start : start + step]
        yield rtc.AudioFrame(block.tobytes(), RATE, channels, len(block) // channels)


async def stalled() -> AsyncIterator[rtc.AudioFrame]:
    yield rtc.AudioFrame(array("h", [100] * 30).tobytes(), RATE, 1, 30)
    await asyncio.Event().wait()


async def failing() -> AsyncIterator[rtc.AudioFrame]:
    yield rtc.AudioFrame(array("h", [100] * 80).tobytes(), RATE, 1, 80)
    raise ValueError("broken")


async def mixed(streams: Sequence[AsyncIterator[rtc.AudioFrame]], channels: int = 1, **options: int) -> list[object]:
    mixer = rtc.AudioMixer(RATE, channels, **options)
    for one in streams:
        mixer.add_stream(one)
    mixer.end_input()
    return [
        [block.data.tolist(), block.sample_rate, block.num_channels, block.samples_per_channel] async for block in mixer
    ]


async def refusal() -> str:
    mixer = rtc.AudioMixer(RATE, 1)
    mixer.end_input()
    try:
        mixer.add_stream(stalled())
    except RuntimeError as error:
        return str(error)
    finally:
        await mixer.aclose()
    return ""


def clipping(levels: Sequence[int], channels: int, sizes: Sequence[int]) -> list[AsyncIterator[rtc.AudioFrame]]:
    return [
        stream(noise(seed, (1000 + 130 * seed) * channels, level), channels, size)
        for seed, (level, size) in enumerate(zip(levels, sizes, strict=True))
    ]


CASES: dict[str, Callable[[], Awaitable[object]]] = {
    "quiet": lambda: mixed(clipping([1000, 2000], 1, [80, 80])),
    "clipped": lambda: mixed(clipping([32767] * 5, 1, [80, 7, 400, 1000, 1])),
    "stereo": lambda: mixed(clipping([32767] * 3, 2, [80, 33, 500]), 2, blocksize=160),
    "one": lambda: mixed(clipping([32767], 1, [333]), blocksize=100),
    "none": lambda: mixed([]),
    "stalled": lambda: mixed([stalled(), *clipping([5000], 1, [80])], blocksize=500, stream_timeout_ms=20),
    "failing": lambda: mixed([failing(), *clipping([5000], 1, [80])], blocksize=80),
    "refusal": refusal,
}


async def main() -> None:
    results = {name: await case() for name, case in CASES.items()}
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    asyncio.run(main())
