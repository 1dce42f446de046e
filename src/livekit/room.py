"""The room: what users connect, listen to and leave."""

from __future__ import annotations

import asyncio
import datetime
import types
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import TypeVar, cast, overload

from livekit._room.room_emitter import EventTypes, RoomEmitter
from livekit._room.room_session import RoomSession
from livekit._room.simulated_scenarios import simulate
from livekit.e2ee import E2EEManager
from livekit.enums import ConnectionState, DisconnectReason, SimulateScenarioKind
from livekit.options import RoomOptions
from livekit.participant import LocalParticipant, RemoteParticipant
from livekit.protocol import models
from livekit.rpc import RpcHandler
from livekit.rpc.local_rpc import LocalRpc
from livekit.rtc_stats import RtcStats, rtc_stats
from livekit.streams.aio.handlers import ByteStreamHandler, StreamHandlers, TextStreamHandler

__all__ = ["EventTypes", "Room"]

_H = TypeVar("_H", bound=RpcHandler)


class Room(RoomEmitter):
    """A LiveKit room.

    Use it as the official SDK's `rtc.Room`, or as a context manager that disconnects at the end::

        async with Room() as room:
            await room.connect(url, token)

    Args:
        loop: for compatibility; a room belongs to the loop it connects on.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__()
        self._rpc = LocalRpc()
        self._streams = StreamHandlers()
        self._session: RoomSession | None = None
        self._expected = models.Room()
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
        """Join the room that the token names.

        Args:
            url: of the server: ws, wss, http or https.
            token: an access token with the grant to join.
            options: how; see `RoomOptions`.

        Raises:
            ConnectError: says what failed and what to do about it; see `livekit.errors` for its kinds.
            RuntimeError: this room is connected, or connecting.

        Cancelling it leaves nothing behind.
        """
        if self._connecting or self.isconnected():
            raise RuntimeError("this room is connected or connecting already; disconnect it first")
        self._connecting = True
        try:
            session = RoomSession(url, token, options or RoomOptions(), self._rpc, self._notify, self._streams)
            before, self._session = self._session, session
            try:
                await session.join()
            except BaseException:
                self._session = before
                raise
        finally:
            self._connecting = False

    async def disconnect(self, *, reason: DisconnectReason.ValueType = DisconnectReason.CLIENT_INITIATED) -> None:
        """Leave the room. Handlers that run are cancelled and have 2 s to end; pending calls fail with
        RECIPIENT_DISCONNECTED. Does nothing if the room is not connected. Ends within 5 s."""
        if self._session is not None:
            await self._session.leave(cast(models.DisconnectReason, reason))

    def isconnected(self) -> bool:
        """Whether the room is connected, or reconnecting."""
        return self.connection_state != ConnectionState.CONN_DISCONNECTED

    @property
    def connection_state(self) -> ConnectionState.ValueType:
        if self._session is None:
            return ConnectionState.CONN_DISCONNECTED
        return self._session.connection_state

    @property
    def local_participant(self) -> LocalParticipant:
        """Ourselves. Raises RuntimeError before `connect`."""
        return self._joined.local

    @property
    def remote_participants(self) -> Mapping[str, RemoteParticipant]:
        """The others, by identity."""
        return {} if self._session is None else self._session.participants.remotes

    @property
    async def sid(self) -> str:
        """The server's id of the room: ``await room.sid``. Raises RuntimeError before `connect`."""
        return self._joined.info.sid

    @property
    def name(self) -> str:
        """The room's name; empty before `connect`."""
        return self._info.name

    @property
    def metadata(self) -> str:
        return self._info.metadata

    @property
    def e2ee_manager(self) -> E2EEManager:
        """The keys and the switch of this room's encryption. Raises RuntimeError before `connect`."""
        return self._joined.e2ee

    @property
    def num_participants(self) -> int:
        """How many are in the room, as the server counts: with ourselves, without hidden ones."""
        return self._info.num_participants

    @property
    def num_publishers(self) -> int:
        return self._info.num_publishers

    @property
    def creation_time(self) -> datetime.datetime:
        """When the room was created, in UTC. Raises RuntimeError before `connect`."""
        info = self._joined.info
        milliseconds = info.creation_time_ms or info.creation_time * 1000
        return datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.timezone.utc)

    @property
    def is_recording(self) -> bool:
        return self._info.active_recording

    @property
    def empty_timeout(self) -> float:
        """Seconds the server keeps the room for a first participant."""
        return float(self._info.empty_timeout)

    @property
    def departure_timeout(self) -> float:
        """Seconds the server keeps the room after the last participant left."""
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
        """`LocalParticipant.register_rpc_method`, also before `connect`, so that no early call is missed. (Ours.)"""
        return self._rpc.registry.register(method_name, handler, replace=replace, executor=executor)

    def register_text_stream_handler(self, topic: str, handler: TextStreamHandler) -> None:
        """Call `handler(reader, sender_identity)` when a text stream of `topic` begins; also before `connect`.

        The reader is to be read in a task of the application's own. Raises ValueError: the topic has a handler."""
        self._streams.register_text(topic, handler)

    def unregister_text_stream_handler(self, topic: str) -> None:
        """Ignore text streams of `topic` from now on."""
        self._streams.text.pop(topic, None)

    def register_byte_stream_handler(self, topic: str, handler: ByteStreamHandler) -> None:
        """`register_text_stream_handler` for byte streams. Raises ValueError: the topic has a handler."""
        self._streams.register_bytes(topic, handler)

    def unregister_byte_stream_handler(self, topic: str) -> None:
        """Ignore byte streams of `topic` from now on."""
        self._streams.bytes.pop(topic, None)

    async def get_rtc_stats(self) -> RtcStats:
        """What passed over the connection so far. Raises RuntimeError: not connected."""
        if not self.isconnected():
            raise RuntimeError("the room isn't connected")
        return rtc_stats(self._joined._engine)

    async def simulate_scenario(self, scenario: SimulateScenarioKind.ValueType) -> None:
        """Make trouble for the connection, for tests. Raises RuntimeError: not connected, or not possible."""
        if not self.isconnected():
            raise RuntimeError("simulate_scenario requires a connected room")
        await simulate(self._joined._engine, scenario)

    def __repr__(self) -> str:
        sid = self._info.sid or "unknown"
        state = ConnectionState.Name(self.connection_state)
        return f"rtc.Room(sid={sid}, name={self.name}, metadata={self.metadata}, connection_state={state})"

    @property
    def _info(self) -> models.Room:
        """What is known of the room; livekit-agents gives it its name before `connect`."""
        return self._expected if self._session is None else self._session.info

    @property
    def _joined(self) -> RoomSession:
        if self._session is None:
            raise RuntimeError("the room is not connected: await room.connect(...) first")
        return self._session
