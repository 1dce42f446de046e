"""Participants of a room, as users hold them."""

from __future__ import annotations

import datetime
import enum
from abc import ABC
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import TYPE_CHECKING, TypeVar, cast, overload

from livekit.protocol import models

from ._room.metadata import MetadataUpdater
from ._util.enum_names import enum_name
from .data.errors import PublishDataError, PublishDTMFError, PublishTranscriptionError
from .data.publisher import DataPublisher
from .datatracks.publisher import DataTrackPublisher
from .media.publications import LocalTrackPublication, RemoteTrackPublication, TrackPublication
from .media.publisher import TrackPublisher
from .rpc.invocation import RpcCallInfo, RpcHandler, RpcInterceptor
from .rpc.local_rpc import LocalRpc
from .streams.aio.sender import StreamSender

if TYPE_CHECKING:
    from .enums import DisconnectReason, ParticipantKind, ParticipantKindDetail, ParticipantState

__all__ = [
    "ConnectionQuality",
    "LocalParticipant",
    "Participant",
    "PublishDTMFError",
    "PublishDataError",
    "PublishTranscriptionError",
    "RemoteParticipant",
]

_H = TypeVar("_H", bound=RpcHandler)


class ConnectionQuality(enum.IntEnum):
    """How good a participant's connection is, as the server sees it."""

    QUALITY_UNKNOWN = -1
    """Nothing has been reported yet."""
    QUALITY_POOR = 0
    QUALITY_GOOD = 1
    QUALITY_EXCELLENT = 2
    QUALITY_LOST = 3


class Participant(ABC):  # noqa: B024  # abstract officially
    """Somebody in the room. What it tells is kept up to date from the server's announcements."""

    def __init__(self, info: models.ParticipantInfo) -> None:
        self._info = info
        self._connection_quality = ConnectionQuality.QUALITY_UNKNOWN

    @property
    def sid(self) -> str:
        """The server's id of this connection; a new one after a full reconnect."""
        return self._info.sid

    @property
    def identity(self) -> str:
        """Unique in the room."""
        return self._info.identity

    @property
    def name(self) -> str:
        return self._info.name

    @property
    def metadata(self) -> str:
        return self._info.metadata

    @property
    def attributes(self) -> dict[str, str]:
        """A copy of the participant's attributes."""
        return dict(self._info.attributes)

    @property
    def kind(self) -> ParticipantKind.ValueType:
        """An agent, a telephone, …; standard, if the server's word for it is newer than we are."""
        from .enums import ParticipantKind

        name = enum_name(models.ParticipantInfo.Kind, self._info.kind)
        try:
            return ParticipantKind.Value(f"PARTICIPANT_KIND_{name}")
        except ValueError:
            return ParticipantKind.PARTICIPANT_KIND_STANDARD

    @property
    def kind_details(self) -> list[ParticipantKindDetail.ValueType]:
        """What kind of its kind it is: a cloud agent, a WhatsApp connector, …"""
        return [cast("ParticipantKindDetail.ValueType", detail) for detail in self._info.kind_details]

    @property
    def track_publications(self) -> Mapping[str, TrackPublication]:
        """What it publishes of audio and video, by sid."""
        return {track.sid: TrackPublication(track) for track in self._info.tracks}

    @property
    def state(self) -> ParticipantState.ValueType:
        """Joining, joined, active (what is sent to it arrives) or disconnected."""
        from .enums import ParticipantState

        name = enum_name(models.ParticipantInfo.State, self._info.state)
        try:
            return ParticipantState.Value(f"PARTICIPANT_STATE_{name}")
        except ValueError:
            return ParticipantState.PARTICIPANT_STATE_JOINING

    @property
    def joined_at(self) -> datetime.datetime | None:
        """When the participant joined, in UTC; None if it has not."""
        milliseconds = self._info.joined_at_ms or self._info.joined_at * 1000
        if not milliseconds:
            return None
        return datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.timezone.utc)

    @property
    def permissions(self) -> models.ParticipantPermission:
        return self._info.permission

    @property
    def connection_quality(self) -> ConnectionQuality:
        return self._connection_quality

    @property
    def disconnect_reason(self) -> DisconnectReason.ValueType | None:
        """Why the participant left; None while it is there."""
        return cast("DisconnectReason.ValueType", self._info.disconnect_reason) or None

    def __repr__(self) -> str:
        return f"rtc.{type(self).__name__}(sid={self.sid}, identity={self.identity}, name={self.name})"


class RemoteParticipant(Participant):
    """Another participant of the room."""

    @property
    def track_publications(self) -> Mapping[str, RemoteTrackPublication]:
        return {track.sid: RemoteTrackPublication(track) for track in self._info.tracks}


class LocalParticipant(DataPublisher, DataTrackPublisher, StreamSender, MetadataUpdater, TrackPublisher, Participant):
    """This participant: it calls the methods of others and answers their calls; sends packets and streams; and says
    who it is."""

    def __init__(self, info: models.ParticipantInfo, rpc: LocalRpc) -> None:
        super().__init__(info)
        self._rpc = rpc

    @property
    def track_publications(self) -> Mapping[str, LocalTrackPublication]:
        return {track.sid: LocalTrackPublication(track) for track in self._info.tracks}

    @property
    def _rpc_handlers(self) -> Mapping[str, RpcHandler]:
        """Handlers by method name, as given; livekit-agents reads it."""
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
        """Call a method of another participant (or of one's own) and return what its handler returned.

        Args:
            destination_identity: whom to call.
            method: the name its handler is registered by.
            payload: at most 262,144 UTF-8 bytes unless `RpcOptions` says otherwise; 15,360 towards old peers.
            response_timeout: seconds for the whole call, waiting included; None for 15. Inside a handler the call ends
                with the handler's own deadline at the latest (see `detach_deadline`).
            max_round_trip_latency: seconds within which a request that was delivered must be acknowledged; None for 7.
            wait_for_ready: wait, inside `response_timeout`, for a participant that is not there yet. (Ours, not the
                official SDK's.)

        Raises:
            RpcError: the call failed; `code` says how and `data`, where there is any, why.
            RuntimeError: not connected (an `RpcNotConnectedError`, which is an RpcError with SEND_FAILED too).
            ValueError: an argument cannot be right; a TypeError too if its type is wrong.

        Cancelling the awaiting task cancels the handler, where the callee is of this SDK; a late answer is dropped.
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
        """Answer calls of `method_name` with `handler`, or decorate one.

        The handler gets an `RpcInvocationData` and returns the response payload, or None for an empty one; it may be a
        function, a coroutine function or anything that can be called. An `RpcError` it raises travels to the caller;
        any other exception becomes APPLICATION_ERROR there, without its text.

        Args:
            replace: take the place of a handler that is registered. (Ours.)
            executor: run a sync handler there instead of on the event loop. (Ours.)

        Raises:
            ValueError: the name is taken or empty.
            TypeError: `handler` cannot be called.
        """
        return self._rpc.registry.register(method_name, handler, replace=replace, executor=executor)

    def unregister_rpc_method(self, method: str, *, missing_ok: bool = False) -> None:
        """Stop answering calls of `method`; those that run go on.

        Raises:
            KeyError: nothing is registered by that name (unless `missing_ok`, which is ours).
        """
        self._rpc.registry.unregister(method, missing_ok=missing_ok)

    def add_rpc_interceptor(self, interceptor: RpcInterceptor) -> None:
        """Wrap calls made and answered from now on; the first one added is the outermost."""
        self._rpc.registry.add_interceptor(interceptor)

    def remove_rpc_interceptor(self, interceptor: RpcInterceptor) -> None:
        """Stop wrapping calls; those under way keep it. One that was not added is ignored."""
        self._rpc.registry.remove_interceptor(interceptor)
