"""The room: the entry point of the SDK."""

from __future__ import annotations

import asyncio
import datetime
import types
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import TypeVar, cast, overload

from livekit._event_loop import check_loop
from livekit._http.exhaustion import exhaustion_reported
from livekit._room.room_emitter import EventTypes, RoomEmitter
from livekit._room.room_session import RoomSession
from livekit._room.simulated_scenarios import simulate
from livekit._util.arguments import check_instance
from livekit.e2ee import E2EEManager
from livekit.enums import ConnectionState, DisconnectReason, SimulateScenarioKind
from livekit.local_participant import LocalParticipant
from livekit.options import RoomOptions
from livekit.participant import RemoteParticipant
from livekit.protocol import models
from livekit.rpc import RpcHandler, RpcInterceptor
from livekit.rpc.local_rpc import LocalRpc
from livekit.rtc_stats import RtcStats, rtc_stats
from livekit.streams.aio.handlers import ByteStreamHandler, StreamHandlers, TextStreamHandler

__all__ = ["EventTypes", "Room"]

_H = TypeVar("_H", bound=RpcHandler)


class Room(RoomEmitter):
    """A LiveKit room.

    Use it like the official SDK's `rtc.Room`, or as a context manager that disconnects on exit::

        async with Room() as room:
            await room.connect(url, token)

    Args:
        loop: ignored, for compatibility. A room uses the event loop on which it connects. Coroutines awaited on another
            loop or thread raise EventLoopError: use `asyncio.run_coroutine_threadsafe` there.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__()
        self._rpc = LocalRpc()
        self._stream_handlers = StreamHandlers()
        self._session: RoomSession | None = None
        self._info_before_connect = models.Room()
        self._connecting = False

    async def __aenter__(self) -> Room:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        await self.disconnect()

    async def connect(self, url: str, token: str, options: RoomOptions | None = None) -> None:
        """Join the room that the token names. Cancellation closes everything that was opened.

        Args:
            url: the server's URL: ws, wss, http or https.
            token: an access token with the grant roomJoin.
            options: see `RoomOptions`.

        Raises:
            ConnectError: joining failed; the message has the cause and a remedy. See `livekit.errors` for subclasses.
            RuntimeError: this room is already connected or connecting.
            TypeError: `options` are not RoomOptions.
        """
        options = options or RoomOptions()
        check_instance(options, RoomOptions, "options")
        if self._connecting or self.isconnected():
            raise RuntimeError("this room is already connected or connecting; await room.disconnect() first")
        self._connecting = True
        try:
            with exhaustion_reported("joining"):
                await self._join(url, token, options)
        finally:
            self._connecting = False

    async def _join(self, url: str, token: str, options: RoomOptions) -> None:
        session = RoomSession(url, token, options, self._rpc, self._notify, self._stream_handlers)
        before, self._session = self._session, session
        try:
            await session.join()
        except BaseException:
            self._session = before
            raise

    async def disconnect(self, *, reason: DisconnectReason.ValueType = DisconnectReason.CLIENT_INITIATED) -> None:
        """Leave the room, within 5 s. Does nothing if the room is not connected.

        Running RPC handlers are cancelled and have 2 s to end; pending calls fail with RECIPIENT_DISCONNECTED.
        """
        if self._session is not None and not self._session.loop.is_closed():
            self._check_loop()
            await self._session.leave(cast(models.DisconnectReason, reason))

    def isconnected(self) -> bool:
        """Return True if the room is connected or reconnecting, and its event loop is not closed."""
        return self.connection_state != ConnectionState.CONN_DISCONNECTED

    @property
    def connection_state(self) -> ConnectionState.ValueType:
        """Connected, reconnecting or disconnected."""
        if self._session is None or self._session.loop.is_closed():
            return ConnectionState.CONN_DISCONNECTED
        return self._session.connection_state

    @property
    def local_participant(self) -> LocalParticipant:
        """The participant of this room object. Raises RuntimeError before `connect`."""
        return self._require_session().local

    @property
    def remote_participants(self) -> Mapping[str, RemoteParticipant]:
        """The other participants of the room, by identity."""
        return {} if self._session is None else self._session.participants.remotes

    @property
    async def sid(self) -> str:
        """The server's id of the room: ``await room.sid``. Raises RuntimeError before `connect`."""
        return self._require_session().info.sid

    @property
    def name(self) -> str:
        """The room's name; empty before `connect`."""
        return self._info.name

    @property
    def metadata(self) -> str:
        """The room's metadata; empty before `connect`."""
        return self._info.metadata

    @property
    def e2ee_manager(self) -> E2EEManager:
        """The keys of the room's encryption, and its switch. Raises RuntimeError before `connect`."""
        return self._require_session().e2ee

    @property
    def num_participants(self) -> int:
        """The server's count of participants, including the local one and excluding hidden ones."""
        return self._info.num_participants

    @property
    def num_publishers(self) -> int:
        """The server's count of participants that publish audio or video."""
        return self._info.num_publishers

    @property
    def creation_time(self) -> datetime.datetime:
        """The room's time of creation, in UTC. Raises RuntimeError before `connect`."""
        info = self._require_session().info
        milliseconds = info.creation_time_ms or info.creation_time * 1000
        return datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.timezone.utc)

    @property
    def is_recording(self) -> bool:
        """True if the room is being recorded."""
        return self._info.active_recording

    @property
    def empty_timeout(self) -> float:
        """Seconds after which the server closes a room that no participant has joined."""
        return float(self._info.empty_timeout)

    @property
    def departure_timeout(self) -> float:
        """Seconds after which the server closes a room that all participants have left."""
        return float(self._info.departure_timeout)

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
        """Register like `LocalParticipant.register_rpc_method`; works before `connect`, so that no call is missed.

        (Not in the official SDK.)"""
        return self._rpc.registry.register(method_name, handler, replace=replace, executor=executor)

    def unregister_rpc_method(self, method: str, *, missing_ok: bool = False) -> None:
        """Unregister like `LocalParticipant.unregister_rpc_method`; works before `connect` too.

        (Not in the official SDK.)

        Raises:
            KeyError: no handler is registered for the method, and `missing_ok` is False.
        """
        self._rpc.registry.unregister(method, missing_ok=missing_ok)

    def add_rpc_interceptor(self, interceptor: RpcInterceptor) -> None:
        """Wrap calls made and answered from now on; works before `connect`, so that no call passes it by.

        The interceptor added first is the outermost. It stays across reconnects and later connections of this room.
        (Not in the official SDK.)

        Raises:
            TypeError: `interceptor` is not an `RpcInterceptor`.
        """
        self._rpc.registry.add_interceptor(interceptor)

    def remove_rpc_interceptor(self, interceptor: RpcInterceptor) -> None:
        """Stop wrapping new calls; calls in progress keep the interceptor. Ignores an unknown interceptor.

        (Not in the official SDK.)
        """
        self._rpc.registry.remove_interceptor(interceptor)

    def register_text_stream_handler(self, topic: str, handler: TextStreamHandler) -> None:
        """Call `handler(reader, sender_identity)` when a text stream of `topic` begins. Works before `connect` too.

        The handler is synchronous: read the reader in a task. Raises ValueError if the topic has a handler."""
        self._stream_handlers.register_text(topic, handler)

    def unregister_text_stream_handler(self, topic: str) -> None:
        """Ignore new text streams of `topic`."""
        self._stream_handlers.text.pop(topic, None)

    def register_byte_stream_handler(self, topic: str, handler: ByteStreamHandler) -> None:
        """Register a handler of byte streams like `register_text_stream_handler`.

        Raises ValueError if the topic has a handler."""
        self._stream_handlers.register_bytes(topic, handler)

    def unregister_byte_stream_handler(self, topic: str) -> None:
        """Ignore new byte streams of `topic`."""
        self._stream_handlers.bytes.pop(topic, None)

    async def get_rtc_stats(self) -> RtcStats:
        """Return the statistics of the connection and its tracks. Raises RuntimeError if the room is not connected."""
        if not self.isconnected():
            raise RuntimeError("the room isn't connected")
        self._check_loop()
        session = self._require_session()
        return rtc_stats(session.engine, [*session.local_tracks.stats(), *session.remote_tracks.stats()])

    async def simulate_scenario(self, scenario: SimulateScenarioKind.ValueType) -> None:
        """Simulate a connection failure, for tests. Raises RuntimeError if not connected or not supported."""
        if not self.isconnected():
            raise RuntimeError("simulate_scenario requires a connected room")
        self._check_loop()
        await simulate(self._require_session().engine, scenario)

    def _check_loop(self) -> None:
        """Raise EventLoopError if the room is connected on another event loop."""
        if self._session is not None and not self._session.loop.is_closed():
            check_loop(self._session.loop)

    def __repr__(self) -> str:
        sid = self._info.sid or "unknown"
        state = ConnectionState.Name(self.connection_state)
        return f"rtc.Room(sid={sid}, name={self.name}, metadata={self.metadata}, connection_state={state})"

    @property
    def _info(self) -> models.Room:
        """The server's room info. livekit-agents sets its name before `connect`."""
        return self._info_before_connect if self._session is None else self._session.info

    def _require_session(self) -> RoomSession:
        """Return the current or last session. Raises RuntimeError before `connect`."""
        if self._session is None:
            raise RuntimeError("the room is not connected: await room.connect(...) first")
        return self._session
