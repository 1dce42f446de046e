"""The official package beside this one: its folder ``livekit/rtc/`` goes before our module ``livekit/rtc.py``."""

from __future__ import annotations

import warnings
from pathlib import Path


def warn_of_official_rtc(folder: Path = Path(__file__).parents[1]) -> None:
    """Say so, once, where `livekit.rtc` is the official one although this package is installed."""
    if (folder / "rtc" / "__init__.py").is_file():
        warnings.warn(
            "the official package `livekit` is installed in the same place as `livekit-pure`, so `livekit.rtc` is the "
            "official one; run `pip uninstall livekit` to have this package's (see docs/coexistence.md)",
            RuntimeWarning,
            stacklevel=3,
        )
