"""Progress messages of long runs."""

from __future__ import annotations

import time


def progress(message: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {message}", flush=True)
