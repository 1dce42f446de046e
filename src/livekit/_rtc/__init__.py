"""Submodules of `livekit.rtc`, which programs for the official SDK import; the same objects as everywhere."""
