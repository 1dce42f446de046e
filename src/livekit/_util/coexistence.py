"""Detection of the official package in the same site-packages: its ``livekit/rtc/`` shadows our ``livekit/rtc.py``."""

from __future__ import annotations

import os
import warnings


def warn_of_official_rtc(folder: str | os.PathLike[str] | None = None) -> None:
    """Warn if `livekit.rtc` is the official package's although this package is installed.

    Args:
        folder: The folder of the package `livekit`; None for this package's own.
    """
    # os.path, because importing pathlib would take half of the time of `import livekit`.
    folder = folder or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if os.path.isfile(os.path.join(folder, "rtc", "__init__.py")):
        warnings.warn(
            "the official package `livekit` is installed in the same place as `livekit-pure`, so `livekit.rtc` is the "
            "official one; run `pip uninstall livekit` to use this package's (see docs/coexistence.md)",
            RuntimeWarning,
            stacklevel=3,
        )
