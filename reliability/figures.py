"""What the runs share in telling."""

from __future__ import annotations

import time
from collections.abc import Sequence


def progress(message: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {message}", flush=True)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of values in order; nan if there are none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
