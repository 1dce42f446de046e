"""Audio processing, with WebRTC's module and without it."""

from __future__ import annotations

import math
import random
import sys
from array import array
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest

from livekit.media.audio import processing
from livekit.rtc import AudioFilter, AudioFrame, AudioProcessingModule
from tests.media.audio.signals import sine

needs_apm = pytest.mark.skipif(find_spec("pywebrtc_audio") is None, reason="needs the apm extra")
MODULES: list[Callable[[], AudioProcessingModule]] = [
    lambda: AudioProcessingModule(echo_cancellation=True),
    lambda: AudioProcessingModule(noise_suppression=True),
    lambda: AudioProcessingModule(high_pass_filter=True),
    lambda: AudioProcessingModule(auto_gain_control=True),
]


@pytest.fixture
def _without_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "pywebrtc_audio", None)
    processing._load_library.cache_clear()
    yield
    processing._load_library.cache_clear()


def noise(count: int, level: float = 3000) -> array[int]:
    generator = random.Random(1)
    return array("h", [int(generator.gauss(0, level)) for _ in range(count)])


def frame(samples: array[int], rate: int = 48000, channels: int = 1) -> AudioFrame:
    return AudioFrame(bytearray(samples.tobytes()), rate, channels, len(samples) // channels)


def rms(samples: array[int] | memoryview) -> float:
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples))


def process(apm: AudioProcessingModule, samples: array[int], rate: int, milliseconds: int = 10) -> array[int]:
    output = array("h")
    size = rate * milliseconds // 1000
    for start in range(0, len(samples), size):
        block = frame(samples[start : start + size], rate)
        apm.process_stream(block)
        output += array("h", block.data.tobytes())
    return output


@needs_apm
@pytest.mark.parametrize("rate", [8000, 16000, 24000, 32000, 44100, 48000])
@pytest.mark.parametrize("milliseconds", [10, 20, 50])
@pytest.mark.parametrize("channels", [1, 2])
def test_frames_of_all_formats_are_processed_in_place(rate: int, milliseconds: int, channels: int) -> None:
    samples = noise(rate * milliseconds // 1000 * channels)
    block = frame(samples, rate, channels)
    view = block.data
    AudioProcessingModule(noise_suppression=True).process_stream(block)
    assert array("h", view) != samples
    assert block.samples_per_channel == rate * milliseconds // 1000


@needs_apm
@pytest.mark.parametrize("data", [bytes(noise(480)), memoryview(bytes(noise(480)))])
def test_frame_of_immutable_bytes_gets_new_data(data: bytes) -> None:
    block = AudioFrame(data, 48000, 1, 240)
    AudioProcessingModule(noise_suppression=True).process_stream(block)
    assert bytes(data) == bytes(noise(480))
    assert len(block.data) == 480


@needs_apm
def test_noise_is_suppressed() -> None:
    output = process(AudioProcessingModule(noise_suppression=True), noise(2 * 16000, 1000), 16000)
    assert rms(output[16000:]) < 400


@needs_apm
def test_gain_is_raised_alike_for_frames_of_10_and_50_ms() -> None:
    quiet = array("h", [sample // 20 for sample in sine(300, 48000, 1)])
    outputs = [process(AudioProcessingModule(auto_gain_control=True), quiet, 48000, size) for size in (10, 50)]
    assert outputs[0] == outputs[1]
    assert rms(outputs[0]) > 2 * rms(quiet)


@needs_apm
@pytest.mark.parametrize("played_rate", [16000, 48000])
def test_echo_is_cancelled(played_rate: int) -> None:
    apm = AudioProcessingModule(echo_cancellation=True)
    apm.set_stream_delay_ms(50)
    played = noise(2 * 16000)
    echo = array("h", bytes(2 * 800)) + array("h", [sample // 2 for sample in played])
    output = array("h")
    for start in range(0, len(played), 160):
        block = frame(played[start : start + 160], 16000)
        apm.process_reverse_stream(block.remix_and_resample(played_rate, 1))
        recorded = frame(echo[start : start + 160], 16000)
        apm.process_stream(recorded)
        output += array("h", recorded.data.tobytes())
    assert rms(output[16000:]) < 0.15 * rms(echo)


@needs_apm
def test_played_audio_that_nothing_is_recorded_for_is_bounded() -> None:
    apm = AudioProcessingModule(echo_cancellation=True)
    for _ in range(1000):
        apm.process_reverse_stream(frame(noise(480)))
    assert apm._played._waiting <= processing.MAX_PLAYED


def test_played_frames_are_not_modified() -> None:
    block = frame(noise(480))
    AudioProcessingModule(echo_cancellation=True).process_reverse_stream(block)
    assert array("h", block.data) == noise(480)


def test_module_without_features_changes_nothing() -> None:
    block = frame(noise(480))
    AudioProcessingModule().process_stream(block)
    assert array("h", block.data) == noise(480)


@pytest.mark.usefixtures("_without_library")
def test_without_the_library_frames_pass_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    for make in MODULES:
        apm = make()
        apm.set_stream_delay_ms(10)
        block = frame(noise(2400))
        apm.process_reverse_stream(block)
        apm.process_stream(block)
        assert array("h", block.data) == noise(2400)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "livekit-pure[apm]" in caplog.text


@pytest.mark.parametrize("make", MODULES)
@pytest.mark.parametrize("count", [0, 100, 481])
def test_frames_that_are_no_multiple_of_10_ms_are_refused(
    make: Callable[[], AudioProcessingModule], count: int
) -> None:
    apm = make()
    for take in (apm.process_stream, apm.process_reverse_stream):
        with pytest.raises(ValueError, match="multiple of 10 ms"):
            take(frame(noise(count)))


def test_delay_is_within_webrtcs_limits() -> None:
    apm = AudioProcessingModule(echo_cancellation=True)
    apm.set_stream_delay_ms(0)
    apm.set_stream_delay_ms(500)
    for delay in (-1, 501):
        with pytest.raises(RuntimeError, match="Failed to set stream delay"):
            apm.set_stream_delay_ms(delay)


def test_native_filters_name_the_alternative() -> None:
    with pytest.raises(RuntimeError, match="failed to initialize audio filter #krisp.*FrameProcessor"):
        AudioFilter("krisp", "/usr/lib/krisp.so")
