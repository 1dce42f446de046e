"""Submodules of `livekit.rtc` that programs for the official SDK import. They re-export this package's objects."""
