"""Testing what uses LiveKit: rooms in memory, a virtual clock, bad networks, a call ledger, stubs and a pytest plugin.

See docs/testing.md. What is named here loads on first use.
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
    from .ground import TokenServer as TokenServer
    from .ledger import CallLedger as CallLedger
    from .memory import MemoryRoom as MemoryRoom
    from .netem import LinkOptions as LinkOptions
    from .recorder import CallRecorder as CallRecorder
    from .recorder import RecordedCall as RecordedCall
    from .recorder import record_calls as record_calls
    from .relay import NetworkRelay as NetworkRelay
    from .server_thread import ServerThread as ServerThread
    from .stub import StubParticipant as StubParticipant

_HOMES = {
    "CallLedger": "ledger",
    "CallRecorder": "recorder",
    "Faults": "faults",
    "Ground": "ground",
    "LinkOptions": "netem",
    "MemoryRoom": "memory",
    "NetworkRelay": "relay",
    "RecordedCall": "recorder",
    "RunningServer": "ground",
    "ServerThread": "server_thread",
    "StubParticipant": "stub",
    "TokenServer": "ground",
    "VirtualClock": "clock",
    "VirtualClockStalledError": "clock",
    "record_calls": "recorder",
    "run_virtual": "clock",
}

__all__ = [
    "CallLedger",
    "CallRecorder",
    "Faults",
    "Ground",
    "LinkOptions",
    "MemoryRoom",
    "NetworkRelay",
    "RecordedCall",
    "RunningServer",
    "ServerThread",
    "StubParticipant",
    "TokenServer",
    "VirtualClock",
    "VirtualClockStalledError",
    "record_calls",
    "run_virtual",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
