"""Microphones and loudspeakers. There are none on test machines: see fake_sounddevice.py."""

from __future__ import annotations

import asyncio
import sys
from array import array
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from livekit.media import loudspeaker
from livekit.media.audio import source as source_module
from livekit.rtc import (
    AudioDeviceInfo,
    AudioFrame,
    AudioFrameEvent,
    AudioSource,
    MediaDevices,
    PlatformAudio,
    PlatformAudioError,
    PlatformAudioOptions,
)
from tests.media.audio.signals import sine
from tests.media.fake_sounddevice import DEVICES, SoundDevice


@pytest.fixture
def sounddevice(monkeypatch: pytest.MonkeyPatch) -> SoundDevice:
    fake = SoundDevice([*DEVICES])
    monkeypatch.setitem(sys.modules, "sounddevice", cast("Any", fake))
    return fake


@pytest.fixture
def captured(monkeypatch: pytest.MonkeyPatch) -> list[AudioFrame]:
    """The frames that sources were given."""
    frames: list[AudioFrame] = []

    async def capture(_: AudioSource, frame: AudioFrame) -> None:
        frames.append(frame)

    monkeypatch.setattr(source_module.AudioSource, "capture_frame", capture)
    return frames


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_devices_are_listed_by_direction(sounddevice: SoundDevice) -> None:
    media = MediaDevices()
    assert [(device["index"], device["name"]) for device in media.list_input_devices()] == [
        (0, "Webcam"),
        (2, "Headset"),
    ]
    assert [device["index"] for device in media.list_output_devices()] == [1, 2]
    assert (media.default_input_device(), media.default_output_device()) == (2, 1)
    sounddevice.default.device = (-1, -1)
    assert (media.default_input_device(), media.default_output_device()) == (None, None)
    sounddevice.default.device = None
    assert media.default_input_device() is None


@pytest.mark.parametrize("rate", [16000, 48000])
async def test_recorded_blocks_become_frames_of_10_ms(
    sounddevice: SoundDevice, captured: list[AudioFrame], no_leaks: None, rate: int
) -> None:
    media = MediaDevices(input_sample_rate=rate, num_channels=2, blocksize=rate // 10)
    capture = media.open_input(
        enable_aec=False, noise_suppression=False, high_pass_filter=False, auto_gain_control=False, input_device=2
    )
    (stream,) = sounddevice.opened
    assert (stream.device, stream.channels, stream.samplerate, stream.dtype) == (2, 2, rate, "int16")
    assert (capture.source.sample_rate, capture.source.num_channels, capture.apm) == (rate, 2, None)
    samples = sine(440, rate, 0.1, 2)
    stream.record(samples[:1000].tobytes())
    stream.record(samples[1000:].tobytes())
    await settle()
    assert [frame.duration for frame in captured] == [0.01] * 10
    assert b"".join(bytes(frame.data) for frame in captured) == samples.tobytes()
    await capture.aclose()
    await capture.source.aclose()
    assert stream.calls == ["start", "stop", "close"]
    assert capture.task.done()


async def test_one_channel_of_a_device_is_recorded(sounddevice: SoundDevice, captured: list[AudioFrame]) -> None:
    capture = MediaDevices().open_input(
        auto_gain_control=False,
        enable_aec=False,
        noise_suppression=False,
        high_pass_filter=False,
        input_channel_index=1,
    )
    (stream,) = sounddevice.opened
    assert (stream.channels, capture.source.num_channels) == (2, 1)
    stream.record(array("h", [1, 2] * 480).tobytes())
    await settle()
    assert [frame.data.tolist() for frame in captured] == [[2] * 480]
    await capture.aclose()
    await capture.source.aclose()


async def test_frames_beyond_the_capacity_are_dropped(sounddevice: SoundDevice, captured: list[AudioFrame]) -> None:
    capture = MediaDevices().open_input(queue_capacity=3)
    sounddevice.opened[0].record(bytes(2 * 4800))
    await settle()
    assert len(captured) == 3
    await capture.aclose()
    await capture.source.aclose()


class Track:
    """A remote track, as far as a player looks."""

    def __init__(self, sid: str, level: int) -> None:
        self.sid = sid
        self.level = level


class Stream:
    """Gives 100 ms of a track's level and then waits."""

    def __init__(self, track: Track, *, sample_rate: int, num_channels: int) -> None:
        self._frames = [AudioFrame(array("h", [track.level] * 480).tobytes(), sample_rate, num_channels, 480)] * 10
        self.is_closed = False

    async def __anext__(self) -> AudioFrameEvent:
        if not self._frames:
            await asyncio.Event().wait()
        return AudioFrameEvent(self._frames.pop())

    async def aclose(self) -> None:
        self.is_closed = True


async def test_player_mixes_tracks(sounddevice: SoundDevice, monkeypatch: pytest.MonkeyPatch, no_leaks: None) -> None:
    monkeypatch.setattr(loudspeaker, "AudioStream", Stream)
    one, two = cast("Any", Track("TR_1", 5)), cast("Any", Track("TR_2", 7))
    player = MediaDevices().open_output(output_device=1)
    (stream,) = sounddevice.opened
    assert (stream.device, stream.channels, stream.blocksize) == (1, 1, 4800)
    await player.add_track(one)
    await player.add_track(two)
    with pytest.raises(ValueError, match="Track TR_1 already added to player"):
        await player.add_track(one)
    await player.start()
    with pytest.raises(RuntimeError, match="Playback already started"):
        await player.start()
    await settle()
    await asyncio.sleep(0.01)
    assert set(array("h", stream.play(4800))) == {12}
    assert set(array("h", stream.play(4800))) == {0}
    await player.remove_track(two)
    await player.remove_track(two)
    await player.aclose()
    assert stream.calls == ["start", "stop", "close"]


async def test_played_audio_and_its_delay_reach_the_echo_cancellation(
    sounddevice: SoundDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = MediaDevices()
    capture = media.open_input()
    player = media.open_output()
    assert capture.apm is not None
    delays: list[int] = []
    played: list[int] = []
    monkeypatch.setattr(capture.apm, "set_stream_delay_ms", delays.append)

    def process_reverse_stream(frame: AudioFrame) -> None:
        played.append(frame.samples_per_channel)

    monkeypatch.setattr(capture.apm, "process_reverse_stream", process_reverse_stream)
    recording, playing = sounddevice.opened
    playing.play(4800)
    recording.record(bytes(2 * 4800))
    assert played == [480] * 10
    assert delays == [pytest.approx(50, abs=1)]
    await capture.aclose()
    await capture.source.aclose()
    await player.aclose()


async def test_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    media = MediaDevices()
    for use in (media.list_input_devices, media.default_output_device, media.open_input, media.open_output):
        with pytest.raises(ImportError, match=r"livekit-pure\[devices\]"):
            use()
    with pytest.raises(PlatformAudioError, match=r"Failed to initialize PlatformAudio: .*livekit-pure\[devices\]"):
        PlatformAudio()


async def test_missing_portaudio_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr("livekit.media.portaudio.importlib.import_module", missing)
    with pytest.raises(OSError, match="PortAudio library not found: install PortAudio.*libportaudio2"):
        MediaDevices().list_input_devices()
    with pytest.raises(PlatformAudioError, match="libportaudio2"):
        PlatformAudio()


async def test_platform_audio_needs_devices(sounddevice: SoundDevice) -> None:
    sounddevice.devices = []
    with pytest.raises(PlatformAudioError, match="this system has no audio devices"):
        PlatformAudio()


async def test_platform_audio_records_from_the_chosen_device(
    sounddevice: SoundDevice, captured: list[AudioFrame], no_leaks: None
) -> None:
    audio = PlatformAudio()
    assert audio.recording_devices() == [
        AudioDeviceInfo(0, "Webcam", "0:Webcam"),
        AudioDeviceInfo(1, "Headset", "1:Headset"),
    ]
    assert [info.name for info in audio.playout_devices()] == ["HDMI", "Headset"]
    audio.set_recording_device("1:Headset")
    audio.set_playout_device("0:HDMI")
    with pytest.raises(PlatformAudioError, match="Failed to set recording device: there is no device '0:HDMI'"):
        audio.set_recording_device("0:HDMI")
    source = audio.create_audio_source(PlatformAudioOptions(auto_gain_control=False))
    (stream,) = sounddevice.opened
    assert (stream.device, source.sample_rate, source.num_channels) == (2, 48000, 1)
    stream.record(bytes(960))
    await settle()
    assert len(captured) == 1
    source.close()
    source.close()
    audio.close()
    await settle()
    await source.aclose()
    assert stream.calls == ["start", "stop", "close"]


async def test_device_that_cannot_be_opened_is_an_error_of_platform_audio(
    sounddevice: SoundDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(**_: object) -> None:
        raise ValueError("device busy")

    audio = PlatformAudio()
    monkeypatch.setattr(sounddevice, "InputStream", busy)
    with pytest.raises(PlatformAudioError, match="Failed to open the recording device: device busy"):
        audio.create_audio_source()


@pytest.fixture(autouse=True)
async def _sources_are_closed() -> AsyncIterator[None]:
    yield
    await settle()
