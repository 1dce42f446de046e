"""What this process uses of the machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

_SELF = Path("/proc/self")


def cpu_seconds() -> float:
    """CPU time of all threads, user and system."""
    return time.process_time()


def resident_bytes() -> int | None:
    """Memory in RAM; None where the system does not tell in this way."""
    try:
        pages = (_SELF / "statm").read_text().split()[1]
    except (OSError, IndexError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def open_files() -> int | None:
    """Open file descriptors, sockets included; None where the system does not tell in this way."""
    try:
        return len(os.listdir(_SELF / "fd"))
    except OSError:
        return None
