"""Tools to test LiveKit applications: in-memory rooms, virtual time, network emulation, a call ledger and stubs.

See docs/testing.md, also for the pytest plugin. Names load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit._util import lazy

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
else:
    __getattr__, __dir__, __all__ = lazy.attach(
        __name__,
        {
            "call_recorder": ("CallRecorder", "RecordedCall", "record_calls"),
            "clock": ("VirtualClock", "VirtualClockStalledError", "run_virtual"),
            "faults": ("Faults",),
            "ledger": ("CallLedger",),
            "memory": ("MemoryRoom",),
            "netem": ("LinkOptions",),
            "relay": ("NetworkRelay",),
            "room_environment": ("RoomEnvironment", "RunningServer", "TokenServer"),
            "server_thread": ("ServerThread",),
            "stub": ("StubParticipant",),
        },
    )
