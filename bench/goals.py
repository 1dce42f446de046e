"""Goals of a benchmark, and the machine it ran on."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from importlib import metadata

Goal = tuple[str, str, float | None, bool]
"""Name, goal such as "≤ 0.5", measured value, and True if more is better."""


def ratio(top: float | None, bottom: float | None) -> float | None:
    return None if top is None or not bottom else top / bottom


def goal_table(goals: Iterable[Goal]) -> str:
    """Return goals as a table in Markdown."""
    rows = ["| measure | goal | reached | |", "|---|---|---|---|"]
    for name, goal, value, more in goals:
        shown = "" if value is None else f"{value:.3g}"
        rows.append(f"| {name} | {goal} | {shown} | {_reached(goal, value, more)} |")
    return "\n".join(rows)


def _reached(goal: str, value: float | None, more_is_better: bool) -> str:
    if value is None:
        return "not measured"
    bound = float(goal.split()[1])
    return "yes" if (value >= bound if more_is_better else value <= bound) else "no"


def machine(*distributions: str) -> str:
    """Describe the machine, and the versions of distributions."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in distributions)
    python = f"Python {sys.version.split()[0]}"
    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, {python}; {versions}"
