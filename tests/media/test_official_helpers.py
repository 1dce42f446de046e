"""Helpers that programs and test suites of the official SDK import."""

from __future__ import annotations

import pytest

from livekit.rtc._ffi_client import FfiClient, FfiHandle, FfiQueue
from livekit.rtc.utils import sine_wave_generator


async def test_a_sine_wave_has_the_official_samples() -> None:
    """The samples are those of the official SDK 1.2.1."""
    (frame,) = [frame async for frame in sine_wave_generator(440, 0.105)]
    assert (frame.samples_per_channel, frame.num_channels, frame.sample_rate) == (4800, 1, 48000)
    assert list(frame.data[:6]) == [0, 565, 1129, 1690, 2244, 2791]
    assert [frame async for frame in sine_wave_generator(440, 0.05, 16000, 1.0)] == []


def test_the_native_library_imports_and_its_use_says_why_it_fails() -> None:
    for use in (FfiClient, FfiHandle, FfiQueue, lambda: FfiClient.instance):
        with pytest.raises(NotImplementedError, match="pure Python"):
            use()
