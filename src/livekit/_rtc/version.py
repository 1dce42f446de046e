"""The version."""

from __future__ import annotations

from livekit._version import __version__

__all__ = ["__version__"]
