"""Audio devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit.errors import MediaNotBuiltError

if TYPE_CHECKING:
    import asyncio


@dataclass
class AudioDeviceInfo:
    """An audio device."""

    index: int
    name: str
    id: str


@dataclass
class PlatformAudioOptions:
    """The platform's processing of recorded audio."""

    echo_cancellation: bool = True
    noise_suppression: bool = True
    auto_gain_control: bool = True
    prefer_hardware: bool = False


class PlatformAudioError(Exception):
    """The platform's audio device module failed."""


class _PlatformAudioNotBuiltError(PlatformAudioError, MediaNotBuiltError):
    """No audio device module: programs that go on without audio devices catch PlatformAudioError."""


class PlatformAudioSource:
    """Audio recorded by `PlatformAudio`. Raises MediaNotBuiltError."""

    def __init__(self) -> None:
        raise MediaNotBuiltError("PlatformAudioSource")

    def close(self) -> None:
        raise MediaNotBuiltError


class PlatformAudio:
    """The platform's audio device module. Raises PlatformAudioError, as the official one where there are no devices."""

    def __init__(self) -> None:
        raise _PlatformAudioNotBuiltError("PlatformAudio")

    def recording_devices(self) -> list[AudioDeviceInfo]:
        raise MediaNotBuiltError

    def playout_devices(self) -> list[AudioDeviceInfo]:
        raise MediaNotBuiltError

    def set_recording_device(self, device_id: str) -> None:
        raise MediaNotBuiltError

    def set_playout_device(self, device_id: str) -> None:
        raise MediaNotBuiltError

    def create_audio_source(self, options: PlatformAudioOptions | None = None) -> PlatformAudioSource:
        raise MediaNotBuiltError

    def close(self) -> None:
        raise MediaNotBuiltError


class InputCapture:
    """An open input device. Raises MediaNotBuiltError."""

    def __init__(self) -> None:
        raise MediaNotBuiltError("InputCapture")


class OutputPlayer:
    """An open output device. Raises MediaNotBuiltError."""

    def __init__(self) -> None:
        raise MediaNotBuiltError("OutputPlayer")


class MediaDevices:
    """Input and output devices. Raises MediaNotBuiltError."""

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        input_sample_rate: int = 48000,
        output_sample_rate: int = 48000,
        num_channels: int = 1,
        blocksize: int = 4800,
    ) -> None:
        raise MediaNotBuiltError("MediaDevices")

    def list_input_devices(self) -> list[dict[str, Any]]:
        raise MediaNotBuiltError

    def list_output_devices(self) -> list[dict[str, Any]]:
        raise MediaNotBuiltError

    def default_input_device(self) -> int | None:
        raise MediaNotBuiltError

    def default_output_device(self) -> int | None:
        raise MediaNotBuiltError

    def open_input(
        self,
        *,
        enable_aec: bool = True,
        noise_suppression: bool = True,
        high_pass_filter: bool = True,
        auto_gain_control: bool = True,
        input_device: int | None = None,
        queue_capacity: int = 50,
        input_channel_index: int | None = None,
    ) -> InputCapture:
        raise MediaNotBuiltError

    def open_output(self, *, output_device: int | None = None) -> OutputPlayer:
        raise MediaNotBuiltError
