"""Write as JSON what frames do, by `livekit.rtc` of whichever Python runs it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from livekit import rtc


def outcome(function: Callable[[], object]) -> object:
    """Return the result, or the type and message of the exception."""
    try:
        return function()
    except Exception as error:
        return [type(error).__name__, str(error)]


def described(frame: rtc.AudioFrame) -> list[object]:
    return [frame.data.tolist(), frame.sample_rate, frame.num_channels, frame.samples_per_channel, frame.userdata]


MONO = rtc.AudioFrame(b"\1\0\2\0", 48000, 1, 2)
STEREO = rtc.AudioFrame(b"\3\0\4\0", 48000, 2, 1, userdata={"a": 1})
SLOW = rtc.AudioFrame(b"\5\0", 8000, 1, 1)
LONG = rtc.AudioFrame(bytes(20), 48000, 1, 5)


def combine(*frames: rtc.AudioFrame) -> Callable[[], object]:
    return lambda: described(rtc.combine_audio_frames(list(frames)))


def make(data: object, channels: int = 1, samples: int = 2) -> Callable[[], object]:
    return lambda: described(rtc.AudioFrame(data, 48000, channels, samples))  # type: ignore[arg-type]  # wrong ones too


OUTCOMES = {
    "combine": combine(MONO, MONO),
    "combine one": combine(STEREO),
    "combine stereo": combine(STEREO, STEREO),
    "combine surplus": combine(LONG, MONO),
    "combine none": combine(),
    "combine rates": combine(MONO, SLOW),
    "combine channels": combine(MONO, STEREO),
    "combine both": combine(SLOW, STEREO),
    "combine not a list": lambda: rtc.combine_audio_frames(MONO) is MONO,
    "list": make([1, 2]),
    "text": make("text"),
    "view": make(memoryview(bytes(4))),
    "slice": make(memoryview(bytes(8))[2:6]),
    "sparse": make(memoryview(bytes(8))[::2]),
    "empty": make(b"", 1, 0),
    "create": lambda: described(rtc.AudioFrame.create(8000, 2, 3)),
    "create negative": lambda: described(rtc.AudioFrame.create(8000, -2, 3)),
    "repr": lambda: repr(STEREO),
    "wav": lambda: STEREO.to_wav_bytes().hex(),
    "duration": lambda: STEREO.duration,
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps({name: outcome(function) for name, function in OUTCOMES.items()}))
