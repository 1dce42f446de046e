"""The platform's audio devices."""

from __future__ import annotations

from livekit.media.devices import (
    AudioDeviceInfo,
    PlatformAudio,
    PlatformAudioError,
    PlatformAudioOptions,
    PlatformAudioSource,
)

__all__ = ["AudioDeviceInfo", "PlatformAudio", "PlatformAudioError", "PlatformAudioOptions", "PlatformAudioSource"]
