"""The engine for LiveKit servers: signaling over WebSocket, data over WebRTC."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from livekit._util.aio import finish, loop_time, start_task, within
from livekit._util.callbacks import ignore
from livekit.errors import ConnectError, ConnectTimeoutError, SessionClosedError
from livekit.options import DEFAULT_CONNECT_TIMEOUT, RoomOptions
from livekit.protocol import models, rtc
from livekit.signaling import SignalConnection
from livekit.webrtc import create_peer_connection

from .connection_state import ConnectionEvent, ConnectionPhase, ConnectionStateMachine
from .interfaces import (
    RELIABLE,
    ChannelCounts,
    EngineListener,
    EngineState,
    MediaHooks,
    PacketStream,
    QueuedPacket,
    SendOptions,
)
from .packet_channel import PacketChannel
from .reconnector import Reconnector
from .region_urls import RegionUrls
from .rtc_session import RtcSession
from .session_manager import SessionManager
from .signal_client import SignalOpener
from .transport_manager import PeerFactory, TransportManager

if TYPE_CHECKING:
    from .media import MediaTransport

__all__ = ["RtcEngine"]

logger = logging.getLogger("livekit.engine")

RELEASE_TIMEOUT = 1.0
"""Seconds to close connections in order; those still open afterwards are abandoned."""

_SERVER_HINT = "Check that the URL is that of a LiveKit server and that no firewall drops packets in between."
_UDP_HINT = "The server admitted us: check that UDP to its media ports is open, or that it offers TURN."

_Reason = models.DisconnectReason

_STATES = {
    ConnectionPhase.CONNECTING: EngineState.CONNECTING,
    ConnectionPhase.CONNECTED: EngineState.CONNECTED,
    ConnectionPhase.AWAITING_LEAVE: EngineState.INTERRUPTED,
    ConnectionPhase.RESUMING: EngineState.RECONNECTING,
    ConnectionPhase.REJOINING: EngineState.RECONNECTING,
    ConnectionPhase.CLOSED: EngineState.DISCONNECTED,
}


class RtcEngine:
    """Implements `livekit.engine.Engine`."""

    def __init__(
        self,
        url: str,
        token: str,
        options: RoomOptions,
        listener: EngineListener,
        *,
        make_peer: PeerFactory = create_peer_connection,
        open_signal: SignalOpener = SignalConnection.open,
    ) -> None:
        """Raises ConnectError: `url` is not the URL of a server."""
        self.on_track_packet: Callable[[bytes], None] = ignore
        self.media_hooks = MediaHooks()
        self._urls = RegionUrls(url, token)
        self._options = options
        self._listener = listener
        self._machine = ConnectionStateMachine(timeout=options.reconnect_timeout, random=random.random)
        self._packets = PacketChannel(listener.on_packet)
        self._sessions = SessionManager(
            self._urls,
            options,
            make_peer,
            open_signal,
            packets=self._packets,
            media_hooks=self.media_hooks,
            on_signal=listener.on_signal,
            on_event=self._handle_event,
        )
        self._reconnector = Reconnector(
            self._machine,
            self._sessions,
            self._urls,
            on_joined=self._joined,
            on_resumed=self._resumed,
            on_gave_up=self._close,
        )
        self._queued_signals: list[rtc.SignalRequest] = []
        self._connect_task: asyncio.Task[None] | None = None
        self._interrupts_connect = False
        """The room was disconnected while it was connecting."""
        self._release_task: asyncio.Task[None] | None = None

    @property
    def state(self) -> EngineState:
        return _STATES[self._machine.phase]

    @property
    def token(self) -> str:
        return self._urls.token

    @property
    def round_trip_time(self) -> float | None:
        return None if self._sessions.current is None else self._sessions.current.round_trip_time

    @property
    def counts(self) -> Mapping[bool, ChannelCounts]:
        return self._packets.counts

    def send_packet(self, packet: models.DataPacket, options: SendOptions = RELIABLE) -> QueuedPacket | None:
        self._check_open()
        return self._packets.send(packet, options)

    def send_packets(self, packets: Iterator[models.DataPacket], options: SendOptions = RELIABLE) -> PacketStream:
        self._check_open()
        return self._packets.send_stream(packets, options)

    async def flush(self) -> None:
        await self._packets.flush()

    def send_signal(self, request: rtc.SignalRequest) -> None:
        self._check_open()
        session = self._sessions.current
        if self._machine.phase is ConnectionPhase.CONNECTED and session is not None:
            session.send(request)
        else:
            self._queued_signals.append(request)

    def open_track_channel(self) -> None:
        self._check_open()
        if self._transport is not None:
            self._transport.open_track_channel()

    async def wait_track_channel(self) -> None:
        if self._transport is not None:
            await self._transport.wait_track_channel()

    def send_track_packet(self, data: bytes) -> bool:
        return self._transport is not None and self._transport.send_track_packet(data)

    @property
    def media(self) -> MediaTransport | None:
        return None if self._transport is None else self._transport.media

    def force_reconnect(self, *, full: bool) -> None:
        event = ConnectionEvent.LEAVE_RECONNECT if full else ConnectionEvent.LEAVE_RESUME
        self._handle_event(event, "a reconnect was requested", _Reason.UNKNOWN_REASON)

    async def connect(self) -> None:
        if self._connect_task is not None or self._machine.phase is not ConnectionPhase.CONNECTING:
            raise RuntimeError("an engine connects only once; create a new one")
        seconds = self._options.connect_timeout
        if seconds is None:
            seconds = DEFAULT_CONNECT_TIMEOUT
        self._notify_state(EngineState.CONNECTING)
        try:
            await within(seconds, self._connect())
        except asyncio.TimeoutError:
            is_admitted, progress = self._sessions.is_admitted, self._sessions.progress
            await self._abort_connect()
            raise ConnectTimeoutError(
                f"not connected to {self._urls.server.authority} within {seconds:g} s; the last step was {progress}. "
                + (_UDP_HINT if is_admitted else _SERVER_HINT)
            ) from None
        except BaseException:
            await self._abort_connect()
            raise

    def begin_close(self, reason: models.DisconnectReason = _Reason.CLIENT_INITIATED) -> None:
        self._close(ConnectionEvent.CLOSED, reason)

    async def close(self, reason: models.DisconnectReason = _Reason.CLIENT_INITIATED) -> None:
        self.begin_close(reason)
        while self._release_task is not None:
            await asyncio.wait({self._release_task})
            if not self._release_task.cancelled():
                return
            self._start_release(leave=False)  # the event loop ends, and has cancelled all tasks once

    # Connecting

    @property
    def _transport(self) -> TransportManager | None:
        session = self._sessions.current
        return session.transport if session is not None and session.has_transport else None

    async def _connect(self) -> None:
        self._connect_task = asyncio.current_task()
        try:
            await self._reconnector.connect()
        except asyncio.CancelledError:
            if self._interrupts_connect:
                raise ConnectError("the room was disconnected while it was connecting") from None
            raise

    async def _abort_connect(self) -> None:
        self._close(ConnectionEvent.CLOSED, _Reason.JOIN_FAILURE)
        await finish(self.close())

    def _joined(self, session: RtcSession, rejoined: bool) -> None:
        session.transport.on_track_packet = self._receive_track_packet
        self._notify(partial(self._listener.on_joined, session.join_response, rejoined=rejoined))
        self._connected(session)
        self._sessions.release_received()

    def _resumed(self, last_sequence: int) -> None:
        if self._sessions.current is not None:
            self._connected(self._sessions.current)
            self._packets.resumed(last_sequence)

    def _connected(self, session: RtcSession) -> None:
        """Notify the listener, then send the queued packets and signals."""
        if not self._machine.handle_event(ConnectionEvent.SUCCEEDED, loop_time()):
            return
        self._notify_state(EngineState.CONNECTED)
        self._packets.attach(session.transport.reliable, session.transport.lossy, session.transport.max_message_size)
        queued, self._queued_signals = self._queued_signals, []
        for request in queued:
            session.send(request)

    def _handle_event(self, event: ConnectionEvent, text: str, reason: models.DisconnectReason) -> None:
        before = self.state
        if not self._machine.handle_event(event, loop_time(), reason):
            return
        if self._machine.phase is ConnectionPhase.CLOSED:
            self._disconnected(reason, leave=False)
            return
        logger.info("%s; %s", text, self._machine.phase.name.lower())
        if self._machine.phase is ConnectionPhase.AWAITING_LEAVE:
            self._reconnector.await_leave(self._no_leave)
        else:
            self._reconnector.start()
        if self.state is not before:
            self._notify_state(self.state)

    def _no_leave(self) -> None:
        self._handle_event(ConnectionEvent.NO_LEAVE, "the server did not ask us to leave", _Reason.UNKNOWN_REASON)

    def _receive_track_packet(self, data: bytes) -> None:
        self.on_track_packet(data)

    # Closing

    def _check_open(self) -> None:
        if self._machine.phase is ConnectionPhase.CLOSED:
            raise SessionClosedError("the room is no longer connected")

    def _close(self, event: ConnectionEvent, reason: models.DisconnectReason) -> None:
        if self._machine.handle_event(event, loop_time(), reason):
            self._disconnected(reason, leave=event is ConnectionEvent.CLOSED)

    def _disconnected(self, reason: models.DisconnectReason, *, leave: bool) -> None:
        self._packets.close()
        self._queued_signals.clear()
        self._start_release(leave=leave)
        self._notify_state(EngineState.DISCONNECTED, reason)

    def _start_release(self, *, leave: bool) -> None:
        self._release_task = start_task(self._release(leave=leave), name="livekit release")

    async def _release(self, *, leave: bool) -> None:
        if self._connect_task is not None and not self._connect_task.done():
            self._interrupts_connect = True
            self._connect_task.cancel()
            await asyncio.gather(self._connect_task, return_exceptions=True)
        await self._reconnector.stop()
        try:
            await within(RELEASE_TIMEOUT, self._sessions.close(leave=leave))
        except asyncio.TimeoutError:
            logger.warning("closing the connection took longer than %g s", RELEASE_TIMEOUT)
        except Exception:
            logger.exception("closing the connection failed")

    def _notify_state(self, state: EngineState, reason: models.DisconnectReason = _Reason.UNKNOWN_REASON) -> None:
        self._notify(partial(self._listener.on_state, state, reason))

    def _notify(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
            logger.exception("an engine listener raised")
