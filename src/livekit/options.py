"""How a room connects. Names and defaults are the official SDK's; what is ours is keyword-only and says so."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING

from .enums import ContinualGatheringPolicy, IceTransportType
from .messages import IceServer

if TYPE_CHECKING:
    from ._room.packet_recorder import RecordOptions
    from .e2ee.options import E2EEOptions

__all__ = [
    "DEFAULT_CONNECT_TIMEOUT",
    "DataStreamOptions",
    "IceServer",
    "RoomOptions",
    "RpcOptions",
    "RtcConfiguration",
]

DEFAULT_CONNECT_TIMEOUT = 10.0
"""Seconds."""


@dataclass
class RtcConfiguration:
    """Which ICE candidates and servers a connection uses."""

    ice_transport_type: IceTransportType.ValueType = IceTransportType.TRANSPORT_ALL
    continual_gathering_policy: ContinualGatheringPolicy.ValueType = ContinualGatheringPolicy.GATHER_CONTINUALLY
    ice_servers: list[IceServer] = field(default_factory=list["IceServer"])
    """Used in place of the servers that the LiveKit server names, if not empty."""


@dataclass
class DataStreamOptions:
    """How a room receives data streams."""

    max_payload_byte_length: int | None = None
    """Bytes a stream that comes compressed or in one packet may unfold to; None for the default."""


@dataclass(frozen=True, kw_only=True)
class RpcOptions:
    """How a room makes and answers RPC calls. Ours, not the official SDK's."""

    max_payload_size: int | None = 262_144
    """UTF-8 bytes of a request or response towards peers that take more than 15,360; None for no limit.
    Binds sending and receiving."""
    max_concurrent_calls: int | None = None
    """Handlers running at once in this room; over it callers get 1500 with data ``{"reason":"overloaded"}``."""
    max_concurrent_calls_per_caller: int | None = None
    """The same for each caller."""
    fail_fast_while_reconnecting: bool = False
    """True: calls made while the room reconnects fail at once with SEND_FAILED instead of waiting in their budget."""
    accept_server_calls: bool = False
    """In an encrypted room: answer calls that the server itself makes, which come in plain."""
    expose_errors: bool = False
    """For development: send callers the traceback of a handler's exception as the error's data, and not only 1500."""
    slow_handler_warning: float = 0.1
    """Seconds a handler may block the event loop before a warning names it."""


@dataclass
class RoomOptions:
    """Options of `Room.connect`."""

    auto_subscribe: bool = True
    dynacast: bool = False
    e2ee: E2EEOptions | None = None
    """For media; data that comes encrypted is opened too. Official, and deprecated there."""
    encryption: E2EEOptions | None = None
    """All data is encrypted, and what comes in plain is dropped."""
    rtc_config: RtcConfiguration | None = None
    connect_timeout: float | None = None
    """Seconds until `connect` gives up; None for 10."""
    single_peer_connection: bool | None = None
    """True: one peer connection for both directions; False: two; None: one, and two where the server asks for it."""
    data_stream: DataStreamOptions | None = None
    _: KW_ONLY
    rpc: RpcOptions = field(default_factory=RpcOptions)
    """Ours: limits and habits of RPC."""
    record: RecordOptions | None = None
    """Ours: write the room's data packets to a file; see `RecordOptions`. LIVEKIT_RECORD can switch it on too."""
    reconnect_timeout: float | None = 120.0
    """Ours: seconds for which a lost connection is tried anew before the room disconnects; None for ever."""
