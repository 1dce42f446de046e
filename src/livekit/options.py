"""Options of `Room.connect`.

Names and defaults are the official SDK's. Additions of this package are keyword-only and marked as such.
"""

from __future__ import annotations

import os
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING

from .enums import ContinualGatheringPolicy, IceTransportType
from .messages import IceServer

if TYPE_CHECKING:
    from .e2ee.options import E2EEOptions

__all__ = [
    "DEFAULT_CONNECT_TIMEOUT",
    "DataStreamOptions",
    "IceServer",
    "RecordOptions",
    "RoomOptions",
    "RpcOptions",
    "RtcConfiguration",
]

DEFAULT_CONNECT_TIMEOUT = 10.0
"""Seconds."""


@dataclass
class RtcConfiguration:
    """ICE candidates and servers that a connection uses."""

    ice_transport_type: IceTransportType.ValueType = IceTransportType.TRANSPORT_ALL
    continual_gathering_policy: ContinualGatheringPolicy.ValueType = ContinualGatheringPolicy.GATHER_CONTINUALLY
    ice_servers: list[IceServer] = field(default_factory=list["IceServer"])
    """If not empty, replaces the ICE servers that the LiveKit server announces."""


@dataclass
class DataStreamOptions:
    """Limits on the data streams that a room receives."""

    max_payload_byte_length: int | None = None
    """Maximum size in bytes, after decompression, of a stream that arrives compressed or in a single packet; None for
    the default."""


@dataclass(frozen=True, kw_only=True)
class RpcOptions:
    """Limits and behavior of a room's RPC calls. An addition to the official SDK."""

    max_payload_size: int | None = 262_144
    """Maximum size of a request or response, sent or received, in bytes of UTF-8; None for no limit. Peers whose own
    limit is 15,360 bytes are held to that."""
    max_concurrent_calls: int | None = None
    """Maximum number of handlers running at once in this room. Above it, callers get error 1500 with data
    ``{"reason":"overloaded"}``."""
    max_concurrent_calls_per_caller: int | None = None
    """The same limit for each caller."""
    fail_fast_while_reconnecting: bool = False
    """If True, calls made while the room reconnects fail immediately with SEND_FAILED; otherwise they wait for the
    connection until their timeout."""
    accept_server_calls: bool = False
    """In an encrypted room, answer calls that the server itself makes, which arrive unencrypted."""
    expose_errors: bool = False
    """For development: if a handler raises, send its traceback to the caller as the data of error 1500."""
    slow_handler_warning: float = 0.1
    """Seconds that a handler may block the event loop before a warning names it."""


@dataclass(frozen=True, kw_only=True)
class RecordOptions:
    """Recording of a room's data packets to a file, as JSON lines. An addition to the official SDK."""

    path: str | os.PathLike[str]
    """File to append to."""
    payloads: bool = False
    """Record application data (payloads, stream contents, error texts) as well; otherwise only its size."""

    @classmethod
    def from_environment(cls) -> RecordOptions | None:
        """Return options from LIVEKIT_RECORD (a path) and LIVEKIT_RECORD_PAYLOADS (1 to enable); None if unset."""
        path = os.environ.get("LIVEKIT_RECORD")
        return cls(path=path, payloads=os.environ.get("LIVEKIT_RECORD_PAYLOADS") == "1") if path else None


@dataclass
class RoomOptions:
    """Options of `Room.connect`."""

    auto_subscribe: bool = True
    dynacast: bool = False
    e2ee: E2EEOptions | None = None
    """Encrypts media and decrypts data that arrives encrypted. Deprecated by the official SDK in favor of
    `encryption`."""
    encryption: E2EEOptions | None = None
    """Encrypts all data as well; data that arrives unencrypted is dropped."""
    rtc_config: RtcConfiguration | None = None
    connect_timeout: float | None = None
    """Seconds until `connect` gives up; None for 10."""
    single_peer_connection: bool | None = None
    """True: one peer connection for both directions. False: two. None: one, or two if the server requires it."""
    data_stream: DataStreamOptions | None = None
    _: KW_ONLY
    rpc: RpcOptions = field(default_factory=RpcOptions)
    """Addition: limits and behavior of RPC."""
    record: RecordOptions | None = None
    """Addition: record the room's data packets; None to follow the environment (see
    `RecordOptions.from_environment`)."""
    reconnect_timeout: float | None = 120.0
    """Addition: seconds to keep retrying a lost connection before the room disconnects; None to retry
    indefinitely."""
