"""Audio processing (echo cancellation, noise suppression, gain control) and native filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.errors import MediaNotBuiltError

if TYPE_CHECKING:
    from .frame import AudioFrame


class AudioProcessingModule:
    """Echo cancellation, noise suppression and gain control. Raises MediaNotBuiltError."""

    def __init__(
        self,
        *,
        echo_cancellation: bool = False,
        noise_suppression: bool = False,
        high_pass_filter: bool = False,
        auto_gain_control: bool = False,
    ) -> None:
        raise MediaNotBuiltError("AudioProcessingModule")

    def process_stream(self, data: AudioFrame) -> None:
        raise MediaNotBuiltError

    def process_reverse_stream(self, data: AudioFrame) -> None:
        raise MediaNotBuiltError

    def set_stream_delay_ms(self, delay_ms: int) -> None:
        raise MediaNotBuiltError


class AudioFilter:
    """An audio filter in a native library. Raises MediaNotBuiltError."""

    def __init__(self, module_id: str, path: str, dependencies: list[str] | None = None) -> None:
        raise MediaNotBuiltError("AudioFilter")
