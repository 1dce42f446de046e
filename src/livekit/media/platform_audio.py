"""The platform's audio devices under the official SDK's names, by PortAudio (the `devices` extra)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from .audio.processing import AudioProcessingModule
from .audio.source import AudioSource
from .microphone import InputCapture, open_input
from .portaudio import devices, load_sounddevice

__all__ = ["AudioDeviceInfo", "PlatformAudio", "PlatformAudioError", "PlatformAudioOptions", "PlatformAudioSource"]

SAMPLE_RATE = 48000
BLOCKSIZE = SAMPLE_RATE // 100


@dataclass
class AudioDeviceInfo:
    """An audio device.

    Attributes:
        index: Its place in the list, which changes when devices come and go.
        name: The system's name for it.
        id: Identifies it for `PlatformAudio.set_recording_device`; made of the names of the device and its driver.
    """

    index: int
    name: str
    id: str


@dataclass
class PlatformAudioOptions:
    """The processing of recorded audio, by WebRTC's module (the `apm` extra); `prefer_hardware` has no effect."""

    echo_cancellation: bool = True
    noise_suppression: bool = True
    auto_gain_control: bool = True
    prefer_hardware: bool = False


class PlatformAudioError(Exception):
    """The platform's audio devices cannot be used."""


class PlatformAudioSource(AudioSource):
    """Audio that `PlatformAudio` records. Made by `PlatformAudio.create_audio_source`."""

    _capture_of_device: InputCapture | None = None

    def close(self) -> None:
        """Stop recording and close the device. May be called again."""
        capture, self._capture_of_device = self._capture_of_device, None
        if capture is not None:
            capture.stop()


class PlatformAudio:
    """Lists audio devices and records from one of them.

    Raises:
        PlatformAudioError: sounddevice or PortAudio is not installed, or there are no devices.
    """

    def __init__(self) -> None:
        try:
            load_sounddevice()
            found = [*devices("input"), *devices("output")]
        except Exception as error:
            raise PlatformAudioError(f"Failed to initialize PlatformAudio: {error}") from error
        if not found:
            raise PlatformAudioError("Failed to initialize PlatformAudio: this system has no audio devices")
        self._recording_device: int | None = None
        self._playout_device: int | None = None
        self._sources: list[PlatformAudioSource] = []

    def recording_devices(self) -> list[AudioDeviceInfo]:
        """Return the input devices."""
        return [info for _, info in _described("input")]

    def playout_devices(self) -> list[AudioDeviceInfo]:
        """Return the output devices."""
        return [info for _, info in _described("output")]

    def set_recording_device(self, device_id: str) -> None:
        """Choose the input device of sources created from now on; the system's default otherwise.

        Raises:
            PlatformAudioError: There is no such device.
        """
        self._recording_device = _find("input", "recording", device_id)

    def set_playout_device(self, device_id: str) -> None:
        """Check the output device. Nothing is played by itself: see `MediaDevices.open_output`.

        Raises:
            PlatformAudioError: There is no such device.
        """
        self._playout_device = _find("output", "playout", device_id)

    def create_audio_source(self, options: PlatformAudioOptions | None = None) -> PlatformAudioSource:
        """Record from the chosen device into a new source, which can be published.

        Raises:
            PlatformAudioError: The device cannot be opened.
            RuntimeError: No event loop is running.
        """
        options = options or PlatformAudioOptions()
        loop = asyncio.get_running_loop()
        processing = (options.echo_cancellation, options.noise_suppression, options.auto_gain_control)
        apm = None
        if any(processing):
            apm = AudioProcessingModule(
                echo_cancellation=options.echo_cancellation,
                noise_suppression=options.noise_suppression,
                auto_gain_control=options.auto_gain_control,
            )
        source = PlatformAudioSource(SAMPLE_RATE, 1, loop=loop)
        try:
            capture = open_input(source, loop, apm=apm, device=self._recording_device, blocksize=BLOCKSIZE)
        except Exception as error:
            raise PlatformAudioError(f"Failed to open the recording device: {error}") from error
        source._capture_of_device = capture  # see `PlatformAudioSource`
        self._sources.append(source)
        return source

    def close(self) -> None:
        """Close the devices of all sources. May be called again."""
        sources, self._sources = self._sources, []
        for source in sources:
            source.close()


def _described(direction: str) -> list[tuple[int, AudioDeviceInfo]]:
    """Return sounddevice's index and the description of each device."""
    try:
        found = devices(direction)
    except Exception as error:
        raise PlatformAudioError(f"Failed to enumerate {direction} devices: {error}") from error
    return [
        (device["index"], AudioDeviceInfo(index, device["name"], f"{device.get('hostapi', 0)}:{device['name']}"))
        for index, device in enumerate(found)
    ]


def _find(direction: str, purpose: str, device_id: str) -> int:
    for index, info in _described(direction):
        if info.id == device_id:
            return index
    raise PlatformAudioError(f"Failed to set {purpose} device: there is no device {device_id!r}")
