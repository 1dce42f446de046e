"""Access to a room's RPC layer before it connects, for this package's own tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit.room import Room
    from livekit.rpc import RpcInterceptor


def add_rpc_interceptor(room: Room, interceptor: RpcInterceptor) -> None:
    """Wrap all calls of a room; `LocalParticipant.add_rpc_interceptor` is available only once the room is connected."""
    room._rpc.registry.add_interceptor(interceptor)  # noqa: SLF001 - not part of the official `Room`
