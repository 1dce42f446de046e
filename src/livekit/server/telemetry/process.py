"""Resource usage of this process."""

from __future__ import annotations

import os
import time
from pathlib import Path

_SELF = Path("/proc/self")


def cpu_seconds() -> float:
    """Return the CPU time of all threads, user and system, in seconds."""
    return time.process_time()


def resident_bytes() -> int | None:
    """Return the resident memory; None without /proc."""
    try:
        pages = (_SELF / "statm").read_text().split()[1]
    except (OSError, IndexError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def open_files() -> int | None:
    """Return the number of open file descriptors, including sockets; None without /proc."""
    try:
        return len(os.listdir(_SELF / "fd"))
    except OSError:
        return None
