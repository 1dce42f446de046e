"""The official import path: ``from livekit import rtc`` gives the same objects as ``livekit`` itself."""

from __future__ import annotations

from . import *  # noqa: F403
from . import __all__ as __all__
