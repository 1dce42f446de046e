"""Progress messages of long runs."""

from __future__ import annotations

import time


def progress(message: str) -> None:
    """Print a message with the time of day."""
    print(f"{time.strftime('%H:%M:%S')}  {message}", flush=True)
