"""The platform's audio devices."""

from __future__ import annotations

from livekit.media.platform_audio import (
    AudioDeviceInfo,
    PlatformAudio,
    PlatformAudioError,
    PlatformAudioOptions,
    PlatformAudioSource,
)

__all__ = ["AudioDeviceInfo", "PlatformAudio", "PlatformAudioError", "PlatformAudioOptions", "PlatformAudioSource"]
