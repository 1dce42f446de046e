"""Testing what uses LiveKit: rooms in memory, a virtual clock, faults, stubs and a pytest plugin. See docs/testing.md.

What is named here loads on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .clock import VirtualClock as VirtualClock
    from .clock import VirtualClockStalledError as VirtualClockStalledError
    from .clock import run_virtual as run_virtual
    from .faults import Faults as Faults
    from .ground import Ground as Ground
    from .ground import RunningServer as RunningServer
    from .memory import MemoryRoom as MemoryRoom

_HOMES = {
    "Faults": "faults",
    "Ground": "ground",
    "MemoryRoom": "memory",
    "RunningServer": "ground",
    "VirtualClock": "clock",
    "VirtualClockStalledError": "clock",
    "run_virtual": "clock",
}

__all__ = ["Faults", "Ground", "MemoryRoom", "RunningServer", "VirtualClock", "VirtualClockStalledError", "run_virtual"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
