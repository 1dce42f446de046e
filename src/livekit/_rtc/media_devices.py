"""Microphones and loudspeakers."""

from __future__ import annotations

from livekit.media.devices import InputCapture, MediaDevices, OutputPlayer

__all__ = ["InputCapture", "MediaDevices", "OutputPlayer"]
