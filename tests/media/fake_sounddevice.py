"""A stand-in for the `sounddevice` module on machines without audio devices: tests drive the streams by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

DEVICES: list[dict[str, Any]] = [
    {"name": "Webcam", "hostapi": 0, "max_input_channels": 2, "max_output_channels": 0},
    {"name": "HDMI", "hostapi": 0, "max_input_channels": 0, "max_output_channels": 8},
    {"name": "Headset", "hostapi": 1, "max_input_channels": 1, "max_output_channels": 2},
]
TIMES = SimpleNamespace(currentTime=10.0, inputBufferAdcTime=9.98, outputBufferDacTime=10.03)


@dataclass
class Stream:
    """An input or output stream. Its calls are recorded."""

    callback: Callable[[Any, int, Any, Any], None]
    dtype: str
    channels: int
    device: int | None
    samplerate: int
    blocksize: int
    calls: list[str] = field(default_factory=list[str])

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def close(self) -> None:
        self.calls.append("close")

    def record(self, content: bytes) -> None:
        """Give a block to the program, as the device's thread does."""
        self.callback(content, len(content) // 2 // self.channels, TIMES, None)

    def play(self, frames: int) -> bytes:
        """Take a block from the program."""
        block = bytearray(frames * 2 * self.channels)
        self.callback(block, frames, TIMES, None)
        return bytes(block)


class SoundDevice:
    """The module."""

    def __init__(self, devices: list[dict[str, Any]]) -> None:
        self.devices = devices
        self.default = SimpleNamespace(device=(2, 1))
        self.opened: list[Stream] = []

    def query_devices(self) -> list[dict[str, Any]]:
        return self.devices

    def InputStream(self, **options: Any) -> Stream:  # noqa: N802 - sounddevice's name
        self.opened.append(Stream(**options))
        return self.opened[-1]

    OutputStream = InputStream
