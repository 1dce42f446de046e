"""Microphones and loudspeakers, by PortAudio (the `devices` extra)."""

from __future__ import annotations

import asyncio
from typing import Any

from .audio.processing import AudioProcessingModule
from .audio.source import AudioSource
from .loudspeaker import OutputPlayer
from .microphone import InputCapture, open_input
from .portaudio import DelayEstimator, default_device, devices, load_sounddevice

__all__ = ["InputCapture", "MediaDevices", "OutputPlayer"]


class MediaDevices:
    """Lists and opens audio devices. All methods raise ImportError without sounddevice, and OSError without PortAudio.

    Args:
        loop: The event loop of the sources; None for the current one.
        input_sample_rate: in Hz.
        output_sample_rate: in Hz.
        num_channels: of the devices.
        blocksize: samples per channel that a device gives and takes at a time; fewer reduce the delay.
    """

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        input_sample_rate: int = 48000,
        output_sample_rate: int = 48000,
        num_channels: int = 1,
        blocksize: int = 4800,
    ) -> None:
        self._loop = loop or asyncio.get_event_loop()
        self._input_rate = input_sample_rate
        self._output_rate = output_sample_rate
        self._channels = num_channels
        self._blocksize = blocksize
        self._apm: AudioProcessingModule | None = None
        self._delay_estimator: DelayEstimator | None = None

    def list_input_devices(self) -> list[dict[str, Any]]:
        """Return sounddevice's description of each input device, with its index as `index`."""
        return devices("input")

    def list_output_devices(self) -> list[dict[str, Any]]:
        """Return sounddevice's description of each output device, with its index as `index`."""
        return devices("output")

    def default_input_device(self) -> int | None:
        """Return the index of the default input device; None if there is none."""
        return default_device("input")

    def default_output_device(self) -> int | None:
        """Return the index of the default output device; None if there is none."""
        return default_device("output")

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
        """Record from an input device into a new `AudioSource`.

        Args:
            enable_aec: Cancel the echo of what `open_output`, called later, plays.
            noise_suppression: Suppress stationary noise.
            high_pass_filter: Filter low frequencies.
            auto_gain_control: Adapt the gain to speech.
            input_device: The device's index; None for the default.
            queue_capacity: how many frames of 10 ms may wait for the source; newer ones are dropped.
            input_channel_index: The only channel of the device to record, counted from 0.
        """
        load_sounddevice()
        self._apm = None
        if enable_aec or noise_suppression or high_pass_filter or auto_gain_control:
            self._apm = AudioProcessingModule(
                echo_cancellation=enable_aec,
                noise_suppression=noise_suppression,
                high_pass_filter=high_pass_filter,
                auto_gain_control=auto_gain_control,
            )
        self._delay_estimator = DelayEstimator() if self._apm is not None else None
        channels = self._channels if input_channel_index is None else 1
        return open_input(
            AudioSource(self._input_rate, channels, loop=self._loop),
            self._loop,
            apm=self._apm,
            delay_estimator=self._delay_estimator,
            device=input_device,
            blocksize=self._blocksize,
            capacity=queue_capacity,
            channel=input_channel_index,
        )

    def open_output(self, *, output_device: int | None = None) -> OutputPlayer:
        """Return a player for an output device; the input opened last cancels its echo.

        Args:
            output_device: The device's index; None for the default.
        """
        return OutputPlayer(
            sample_rate=self._output_rate,
            num_channels=self._channels,
            blocksize=self._blocksize,
            apm_for_reverse=self._apm,
            output_device=output_device,
            delay_estimator=self._delay_estimator,
        )
