"""What the programs of a benchmark share; they are scripts, so it lies beside them."""

from __future__ import annotations

import json
import random
import string
from typing import Any


def say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


def text(size: int) -> str:
    """Incompressible, as far as printable text can be."""
    return "".join(random.Random(size).choices(string.ascii_letters + string.digits + "+/", k=size))


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def rss_kib() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
