"""Access to a room's RPC layer before it connects, for this package's own tools."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit.room import Room
    from livekit.rpc import RpcInterceptor
    from livekit.rpc.local_rpc import LocalRpc

_rpc_of: Callable[[Room], LocalRpc] = attrgetter("_rpc")


def add_rpc_interceptor(room: Room, interceptor: RpcInterceptor) -> None:
    """Wrap all calls of a room; `LocalParticipant.add_rpc_interceptor` is available only once the room is connected."""
    _rpc_of(room).registry.add_interceptor(interceptor)
