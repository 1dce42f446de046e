"""Testing what uses LiveKit: rooms in memory, a virtual clock, bad networks, a call ledger, stubs and a pytest plugin.

See docs/testing.md. What is named here loads on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .call_recorder import CallRecorder as CallRecorder
    from .call_recorder import RecordedCall as RecordedCall
    from .call_recorder import record_calls as record_calls
    from .clock import VirtualClock as VirtualClock
    from .clock import VirtualClockStalledError as VirtualClockStalledError
    from .clock import run_virtual as run_virtual
    from .faults import Faults as Faults
    from .ledger import CallLedger as CallLedger
    from .memory import MemoryRoom as MemoryRoom
    from .netem import LinkOptions as LinkOptions
    from .relay import NetworkRelay as NetworkRelay
    from .room_environment import RoomEnvironment as RoomEnvironment
    from .room_environment import RunningServer as RunningServer
    from .room_environment import TokenServer as TokenServer
    from .server_thread import ServerThread as ServerThread
    from .stub import StubParticipant as StubParticipant

_HOMES = {
    "CallLedger": "ledger",
    "CallRecorder": "call_recorder",
    "Faults": "faults",
    "RoomEnvironment": "room_environment",
    "LinkOptions": "netem",
    "MemoryRoom": "memory",
    "NetworkRelay": "relay",
    "RecordedCall": "call_recorder",
    "RunningServer": "room_environment",
    "ServerThread": "server_thread",
    "StubParticipant": "stub",
    "TokenServer": "room_environment",
    "VirtualClock": "clock",
    "VirtualClockStalledError": "clock",
    "record_calls": "call_recorder",
    "run_virtual": "clock",
}

__all__ = [
    "CallLedger",
    "CallRecorder",
    "Faults",
    "LinkOptions",
    "MemoryRoom",
    "NetworkRelay",
    "RecordedCall",
    "RoomEnvironment",
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
