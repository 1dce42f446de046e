"""The local participant: calls, packets, streams, data tracks and its own metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import TypeVar, cast, overload

from ._room.local_context import LocalConnection
from ._room.metadata import MetadataUpdater
from .data.errors import PublishDataError, PublishDTMFError, PublishTranscriptionError
from .data.publisher import DataPublisher
from .datatracks.publisher import DataTrackPublisher
from .media.publications import LocalTrackPublication
from .media.publisher import TrackPublisher
from .participant import Participant, ParticipantRecord
from .rpc.invocation import RpcCallInfo, RpcHandler, RpcInterceptor
from .rpc.local_rpc import LocalRpc
from .streams.aio.sender import StreamSender

__all__ = ["LocalParticipant", "PublishDTMFError", "PublishDataError", "PublishTranscriptionError"]

_H = TypeVar("_H", bound=RpcHandler)


class LocalParticipant(DataPublisher, DataTrackPublisher, StreamSender, MetadataUpdater, TrackPublisher, Participant):
    """The participant of this room object. Makes and answers calls, sends packets and streams, and sets its own name,
    metadata and attributes."""

    def __init__(self, record: ParticipantRecord, connection: LocalConnection, rpc: LocalRpc) -> None:
        super().__init__(record)
        self._connection = connection
        self._rpc = rpc

    @property
    def track_publications(self) -> Mapping[str, LocalTrackPublication]:
        return cast("dict[str, LocalTrackPublication]", self._record.publications)

    @property
    def _rpc_handlers(self) -> Mapping[str, RpcHandler]:
        """Handlers by method name, as registered. livekit-agents reads it."""
        return self._rpc.registry.handlers

    async def perform_rpc(
        self,
        *,
        destination_identity: str,
        method: str,
        payload: str,
        response_timeout: float | None = None,
        max_round_trip_latency: float | None = None,
        wait_for_ready: bool = False,
    ) -> str:
        """Call a method of another participant, or of this one, and return its response payload.

        Cancelling the awaiting task cancels the handler if the callee uses this SDK; a late response is dropped.

        Args:
            destination_identity: the callee.
            method: the name under which the callee registered its handler.
            payload: up to 262,144 bytes of UTF-8 unless `RpcOptions` sets another limit; 15,360 to peers without
                RPC version 2.
            response_timeout: seconds for the whole call, waiting included; None for 15. Inside a handler the call is
                also bounded by the handler's own deadline (see `detach_deadline`).
            max_round_trip_latency: seconds from the delivery of a request to its acknowledgement; None for 7.
            wait_for_ready: wait, within `response_timeout`, for a callee that has not joined yet. (Not in the
                official SDK.)

        Raises:
            RpcError: the call failed; `code` has the kind of failure and `data`, if any, the reason.
            RuntimeError: not connected (an `RpcNotConnectedError`, which is also an RpcError with SEND_FAILED).
            ValueError: an argument is invalid; also a TypeError if its type is wrong.
        """
        call = RpcCallInfo(destination_identity, method, payload, response_timeout, max_round_trip_latency)
        return await self._rpc.perform(call, wait_for_ready=wait_for_ready)

    @overload
    def register_rpc_method(
        self, method_name: str, handler: RpcHandler, *, replace: bool = ..., executor: Executor | None = ...
    ) -> RpcHandler: ...
    @overload
    def register_rpc_method(
        self, method_name: str, handler: None = None, *, replace: bool = ..., executor: Executor | None = ...
    ) -> Callable[[_H], _H]: ...
    def register_rpc_method(
        self,
        method_name: str,
        handler: RpcHandler | None = None,
        *,
        replace: bool = False,
        executor: Executor | None = None,
    ) -> RpcHandler | Callable[[_H], _H]:
        """Answer calls of `method_name` with `handler`, or return a decorator that registers one.

        The handler takes an `RpcInvocationData` and returns the response payload, or None for an empty one. It may be
        a function, a coroutine function or any other callable. An `RpcError` that it raises is sent to the caller; any
        other exception becomes APPLICATION_ERROR there, without its text.

        Args:
            replace: replace a handler that is already registered. (Not in the official SDK.)
            executor: run a sync handler there instead of on the event loop. (Not in the official SDK.)

        Raises:
            ValueError: the name is empty or already registered.
            TypeError: `handler` is not callable.
        """
        return self._rpc.registry.register(method_name, handler, replace=replace, executor=executor)

    def unregister_rpc_method(self, method: str, *, missing_ok: bool = False) -> None:
        """Stop answering calls of `method`. Running handlers continue.

        Raises:
            KeyError: no handler is registered for the method (unless `missing_ok`, an addition to the official SDK).
        """
        self._rpc.registry.unregister(method, missing_ok=missing_ok)

    def add_rpc_interceptor(self, interceptor: RpcInterceptor) -> None:
        """Wrap calls made and answered from now on. The interceptor added first is the outermost."""
        self._rpc.registry.add_interceptor(interceptor)

    def remove_rpc_interceptor(self, interceptor: RpcInterceptor) -> None:
        """Stop wrapping new calls; calls in progress keep the interceptor. Ignores an unknown interceptor."""
        self._rpc.registry.remove_interceptor(interceptor)
