"""A session with a LiveKit server over WebSocket and WebRTC."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from livekit._util.aio import finish, loop_time, within
from livekit._util.callbacks import ignore
from livekit.errors import ConnectError, ConnectTimeoutError, SessionClosedError
from livekit.options import DEFAULT_CONNECT_TIMEOUT, RoomOptions
from livekit.protocol import models, rtc
from livekit.signaling import SignalConnection
from livekit.webrtc import create_peer_connection

from .connection_state import ConnectionStateMachine, Event, Phase
from .interfaces import ChannelCounts, EngineListener, EngineState, PacketStream, QueuedPacket, Sent
from .packet_channel import PacketChannel
from .reconnector import Reconnector
from .region_urls import RegionUrls
from .rtc_session import RtcSession, SignalOpener
from .session_manager import SessionManager
from .transport_manager import PeerFactory, TransportManager

__all__ = ["RtcEngine"]

logger = logging.getLogger("livekit.engine")

RELEASE_TIMEOUT = 1.0
"""Seconds for closing sockets in order; what is not closed then is dropped."""

_SERVER_HINT = "Check that the URL is that of a LiveKit server and that nothing in between swallows packets."
_UDP_HINT = "The server admitted us: check that UDP to its media ports is open, or that it offers TURN."

_Reason = models.DisconnectReason

_STATES = {
    Phase.CONNECTING: EngineState.CONNECTING,
    Phase.CONNECTED: EngineState.CONNECTED,
    Phase.RESUMING: EngineState.RECONNECTING,
    Phase.REJOINING: EngineState.RECONNECTING,
    Phase.CLOSED: EngineState.DISCONNECTED,
}


class RtcEngine:
    """See `livekit.engine.Session`."""

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
        """Raises ConnectError: `url` is not that of a server."""
        self._urls = RegionUrls(url, token)
        self._options = options
        self._listener = listener
        self.on_track_packet: Callable[[bytes], None] = ignore
        self._machine = ConnectionStateMachine(patience=options.reconnect_timeout, random=random.random)
        self._packets = PacketChannel(listener.on_packet)
        self._sessions = SessionManager(
            self._urls,
            options,
            make_peer,
            open_signal,
            packets=self._packets,
            signal=listener.on_signal,
            trouble=self._trouble,
        )
        self._reconnector = Reconnector(
            self._machine,
            self._sessions,
            self._urls,
            joined=self._joined,
            resumed=self._resumed,
            ended=self._end,
        )
        self._held_signals: list[rtc.SignalRequest] = []
        self._joining: asyncio.Task[None] | None = None
        self._released: asyncio.Task[None] | None = None

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

    def send_packet(
        self,
        packet: models.DataPacket,
        *,
        reliable: bool = True,
        on_delivered: Callable[[], None] | None = None,
        on_sent: Sent | None = None,
    ) -> QueuedPacket | None:
        self._check_open()
        return self._packets.send(packet, reliable, on_delivered, on_sent)

    def send_packets(
        self,
        packets: Iterator[models.DataPacket],
        *,
        on_delivered: Callable[[], None] | None = None,
        on_sent: Sent | None = None,
    ) -> PacketStream:
        self._check_open()
        return self._packets.send_stream(packets, on_delivered, on_sent)

    async def flush(self) -> None:
        await self._packets.flush()

    def send_signal(self, request: rtc.SignalRequest) -> None:
        self._check_open()
        session = self._sessions.current
        if self._machine.phase is Phase.CONNECTED and session is not None:
            session.send(request)
        else:
            self._held_signals.append(request)

    def open_track_channel(self) -> None:
        self._check_open()
        if self._transport is not None:
            self._transport.open_tracks()

    async def wait_track_channel(self) -> None:
        if self._transport is not None:
            await self._transport.wait_tracks()

    def send_track_packet(self, data: bytes) -> bool:
        return self._transport is not None and self._transport.send_track(data)

    def interrupt(self, *, full: bool) -> None:
        event = Event.LEAVE_RECONNECT if full else Event.LEAVE_RESUME
        self._trouble(event, "an interruption was asked for", _Reason.UNKNOWN_REASON)

    async def connect(self) -> None:
        if self._joining is not None or self._machine.phase is not Phase.CONNECTING:
            raise RuntimeError("a session connects once; make a new one")
        seconds = self._options.connect_timeout
        if seconds is None:
            seconds = DEFAULT_CONNECT_TIMEOUT
        self._tell(EngineState.CONNECTING)
        try:
            await within(seconds, self._connect())
        except asyncio.TimeoutError:
            admitted, progress = self._sessions.admitted, self._sessions.progress
            await self._abandon()
            raise ConnectTimeoutError(
                f"not connected to {self._urls.server.authority} within {seconds:g} s; the last step was {progress}. "
                + (_UDP_HINT if admitted else _SERVER_HINT)
            ) from None
        except BaseException:
            await self._abandon()
            raise

    async def close(self, reason: models.DisconnectReason = _Reason.CLIENT_INITIATED) -> None:
        self._end(Event.CLOSED, reason)
        if self._released is not None:
            await asyncio.wait({self._released})

    # connecting

    @property
    def _transport(self) -> TransportManager | None:
        session = self._sessions.current
        return session.transport if session is not None and session.has_transport else None

    async def _connect(self) -> None:
        self._joining = asyncio.current_task()
        try:
            await self._reconnector.connect()
        except asyncio.CancelledError:
            if self._machine.phase is Phase.CLOSED:
                raise ConnectError("the session was closed while it connected") from None
            raise

    async def _abandon(self) -> None:
        self._end(Event.CLOSED, _Reason.JOIN_FAILURE)
        await finish(self.close())

    def _joined(self, session: RtcSession, rejoined: bool) -> None:
        session.transport.on_track_packet = self._track_packet
        self._listener_call(partial(self._listener.on_joined, session.joined, rejoined=rejoined))
        self._connected(session)
        self._sessions.release()

    def _resumed(self, last_sequence: int) -> None:
        if self._sessions.current is not None:
            self._connected(self._sessions.current)
            self._packets.resumed(last_sequence)

    def _connected(self, session: RtcSession) -> None:
        """Packets pass again: tell the room, then send what waits."""
        if not self._machine.handle(Event.SUCCEEDED, loop_time()):
            return
        self._tell(EngineState.CONNECTED)
        self._packets.attach(session.transport.reliable, session.transport.lossy, session.transport.max_message_size)
        held, self._held_signals = self._held_signals, []
        for request in held:
            session.send(request)

    def _trouble(self, event: Event, text: str, reason: models.DisconnectReason) -> None:
        before = self.state
        if not self._machine.handle(event, loop_time(), reason):
            return
        if self._machine.phase is Phase.CLOSED:
            self._finish(reason, leave=False)
            return
        logger.info("%s; %s", text, self._machine.phase.name.lower())
        self._reconnector.start()
        if before is EngineState.CONNECTED:
            self._tell(EngineState.RECONNECTING)

    def _track_packet(self, data: bytes) -> None:
        self.on_track_packet(data)

    # the end

    def _check_open(self) -> None:
        if self._machine.phase is Phase.CLOSED:
            raise SessionClosedError("the room is not connected any more")

    def _end(self, event: Event, reason: models.DisconnectReason) -> None:
        if self._machine.handle(event, loop_time(), reason):
            self._finish(reason, leave=event is Event.CLOSED)

    def _finish(self, reason: models.DisconnectReason, *, leave: bool) -> None:
        self._packets.close()
        self._held_signals.clear()
        self._released = asyncio.ensure_future(self._release(leave=leave))
        self._tell(EngineState.DISCONNECTED, reason)

    async def _release(self, *, leave: bool) -> None:
        if self._joining is not None:
            self._joining.cancel()
            await asyncio.gather(self._joining, return_exceptions=True)
        await self._reconnector.stop()
        try:
            await within(RELEASE_TIMEOUT, self._sessions.close(leave=leave))
        except asyncio.TimeoutError:
            logger.warning("closing took longer than %g s", RELEASE_TIMEOUT)
        except Exception:
            logger.exception("closing failed")

    def _tell(self, state: EngineState, reason: models.DisconnectReason = _Reason.UNKNOWN_REASON) -> None:
        self._listener_call(partial(self._listener.on_state, state, reason))

    def _listener_call(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            logger.exception("a session's listener failed")
