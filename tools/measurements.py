"""Process measurements and percentiles for benchmarks and reliability runs. Linux only."""

from __future__ import annotations

import asyncio
import gc
import math
import os
from collections.abc import Sequence


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the sorted samples lie; NaN without samples."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else math.nan


def process_stats() -> dict[str, int]:
    """Return this process's resident memory (KiB) and its numbers of tasks, file descriptors and objects."""
    gc.collect()
    return {
        "rss_kib": rss_kib(),
        "tasks": len(asyncio.all_tasks()),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "objects": len(gc.get_objects()),
    }


def rss_kib(process: int | str = "self") -> int:
    """Return a process's resident memory in KiB.

    Raises:
        OSError, StopIteration: The process has ended.
    """
    with open(f"/proc/{process}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def cpu_seconds(process: int | str = "self") -> float:
    """Return the CPU time that a process has used, in seconds.

    Raises:
        OSError: The process has ended.
    """
    with open(f"/proc/{process}/stat") as stat:
        after_name = stat.read().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
