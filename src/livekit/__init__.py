"""LiveKit in Python: rooms, and RPC between their participants, over WebRTC data channels.

`livekit.api`, `livekit.protocol`, `livekit.agents` and `livekit.plugins` come from other distributions; this package
stays open to them. What is named here loads on first use.
"""

from __future__ import annotations

import importlib
from pkgutil import extend_path
from typing import TYPE_CHECKING

__path__ = extend_path(__path__, __name__)

from ._version import __version__

if TYPE_CHECKING:
    from .enums import ConnectionState as ConnectionState
    from .enums import DisconnectReason as DisconnectReason
    from .enums import ParticipantState as ParticipantState
    from .errors import ConnectError as ConnectError
    from .events import EventEmitter as EventEmitter
    from .options import IceServer as IceServer
    from .options import RoomOptions as RoomOptions
    from .options import RtcConfiguration as RtcConfiguration
    from .participant import LocalParticipant as LocalParticipant
    from .participant import Participant as Participant
    from .participant import RemoteParticipant as RemoteParticipant
    from .room import Room as Room
    from .rpc import RpcCallInfo as RpcCallInfo
    from .rpc import RpcError as RpcError
    from .rpc import RpcHandler as RpcHandler
    from .rpc import RpcInterceptor as RpcInterceptor
    from .rpc import RpcInvocationData as RpcInvocationData

_HOMES = {
    "ConnectError": "errors",
    "ConnectionState": "enums",
    "DisconnectReason": "enums",
    "EventEmitter": "events",
    "IceServer": "options",
    "LocalParticipant": "participant",
    "Participant": "participant",
    "ParticipantState": "enums",
    "RemoteParticipant": "participant",
    "Room": "room",
    "RoomOptions": "options",
    "RpcCallInfo": "rpc",
    "RpcError": "rpc",
    "RpcHandler": "rpc",
    "RpcInterceptor": "rpc",
    "RpcInvocationData": "rpc",
    "RtcConfiguration": "options",
}

__all__ = [
    "ConnectError",
    "ConnectionState",
    "DisconnectReason",
    "EventEmitter",
    "IceServer",
    "LocalParticipant",
    "Participant",
    "ParticipantState",
    "RemoteParticipant",
    "Room",
    "RoomOptions",
    "RpcCallInfo",
    "RpcError",
    "RpcHandler",
    "RpcInterceptor",
    "RpcInvocationData",
    "RtcConfiguration",
    "__version__",
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
