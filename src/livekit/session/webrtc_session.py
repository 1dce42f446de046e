"""A session with a LiveKit server over WebSocket and WebRTC."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from livekit._aio import finish, within
from livekit.errors import (
    AuthenticationError,
    ConnectError,
    ConnectTimeoutError,
    ServerUnreachableError,
    SessionClosedError,
)
from livekit.options import DEFAULT_CONNECT_TIMEOUT, RoomOptions
from livekit.protocol import models, rtc
from livekit.signaling import SignalConnection, parse_server_url
from livekit.webrtc import create_peer_connection

from .link import Link, LinkOwner, SignalOpener
from .packets import PacketPipe
from .port import ChannelCounts, PacketStream, Sent, SessionListener, SessionState
from .reconnect import Attempt, ConnectionLife, Event, Phase
from .transport import PeerFactory

__all__ = ["WebRtcSession"]

logger = logging.getLogger("livekit.session")

ATTEMPT_TIMEOUT = 5.0
"""Seconds for one attempt to resume or rejoin."""
RELEASE_TIMEOUT = 1.0
"""Seconds for closing sockets in order; what is not closed then is dropped."""

_SERVER_HINT = "Check that the URL is that of a LiveKit server and that nothing in between swallows packets."
_UDP_HINT = "The server admitted us: check that UDP to its media ports is open, or that it offers TURN."

_Reason = models.DisconnectReason

_STATES = {
    Phase.CONNECTING: SessionState.CONNECTING,
    Phase.CONNECTED: SessionState.CONNECTED,
    Phase.RESUMING: SessionState.RECONNECTING,
    Phase.REJOINING: SessionState.RECONNECTING,
    Phase.CLOSED: SessionState.DISCONNECTED,
}


class WebRtcSession:
    """See `livekit.session.Session`."""

    def __init__(
        self,
        url: str,
        token: str,
        options: RoomOptions,
        listener: SessionListener,
        *,
        make_peer: PeerFactory = create_peer_connection,
        open_signal: SignalOpener = SignalConnection.open,
    ) -> None:
        """Raises ConnectError: `url` is not that of a server."""
        self._server = parse_server_url(url)
        self._token = token
        self._options = options
        self._listener = listener
        self._make_peer = make_peer
        self._open_signal = open_signal
        self._life = ConnectionLife(attempts=options.reconnect_attempts, random=random.random)
        self.on_track_packet: Callable[[bytes], None] = _ignore
        self._pipe = PacketPipe(self._packet)
        self._link: Link | None = None
        self._held_signals: list[rtc.SignalRequest] = []
        self._backlog: list[Callable[[], None]] | None = []
        """What came before the room was told that we joined."""
        self._progress = ""
        self._joining: asyncio.Task[None] | None = None
        self._recovery: asyncio.Task[None] | None = None
        self._released: asyncio.Task[None] | None = None

    @property
    def state(self) -> SessionState:
        return _STATES[self._life.phase]

    @property
    def token(self) -> str:
        return self._token

    @property
    def round_trip_time(self) -> float | None:
        return None if self._link is None else self._link.round_trip_time

    @property
    def counts(self) -> Mapping[bool, ChannelCounts]:
        return self._pipe.counts

    def send_packet(
        self,
        packet: models.DataPacket,
        *,
        reliable: bool = True,
        on_delivered: Callable[[], None] | None = None,
        on_sent: Sent | None = None,
    ) -> None:
        self._check_open()
        self._pipe.send(packet, reliable, on_delivered, on_sent)

    def send_packets(
        self,
        packets: Iterator[models.DataPacket],
        *,
        on_delivered: Callable[[], None] | None = None,
        on_sent: Sent | None = None,
    ) -> PacketStream:
        self._check_open()
        return self._pipe.send_stream(packets, on_delivered, on_sent)

    def send_signal(self, request: rtc.SignalRequest) -> None:
        self._check_open()
        if self._life.phase is Phase.CONNECTED and self._link is not None:
            self._link.send(request)
        else:
            self._held_signals.append(request)

    def open_track_channel(self) -> None:
        self._check_open()
        if self._link is not None:
            self._link.transport.open_tracks()

    async def wait_track_channel(self) -> None:
        if self._link is not None:
            await self._link.transport.wait_tracks()

    def send_track_packet(self, data: bytes) -> bool:
        return self._life.phase is Phase.CONNECTED and self._link is not None and self._link.transport.send_track(data)

    def interrupt(self, *, full: bool) -> None:
        event = Event.LEAVE_RECONNECT if full else Event.LEAVE_RESUME
        self._trouble(event, "an interruption was asked for", _Reason.UNKNOWN_REASON)

    async def connect(self) -> None:
        if self._joining is not None or self._life.phase is not Phase.CONNECTING:
            raise RuntimeError("a session connects once; make a new one")
        seconds = self._options.connect_timeout
        if seconds is None:
            seconds = DEFAULT_CONNECT_TIMEOUT
        self._tell(SessionState.CONNECTING)
        try:
            await within(seconds, self._connect())
        except asyncio.TimeoutError:
            admitted = self._link is not None and self._link.admitted
            await self._abandon()
            raise ConnectTimeoutError(
                f"not connected to {self._server.authority} within {seconds:g} s; the last step was {self._progress}. "
                + (_UDP_HINT if admitted else _SERVER_HINT)
            ) from None
        except BaseException:
            await self._abandon()
            raise

    async def close(self, reason: models.DisconnectReason = _Reason.CLIENT_INITIATED) -> None:
        self._end(Event.CLOSED, reason, leave=True)
        if self._released is not None:
            await asyncio.wait({self._released})

    # connecting

    async def _connect(self) -> None:
        self._joining = asyncio.current_task()
        try:
            await self._join(rejoined=False)
        except asyncio.CancelledError:
            if self._life.phase is Phase.CLOSED:
                raise ConnectError("the session was closed while it connected") from None
            raise

    async def _abandon(self) -> None:
        self._end(Event.CLOSED, _Reason.JOIN_FAILURE, leave=True)
        await finish(self.close())

    async def _join(self, *, rejoined: bool) -> None:
        owner = LinkOwner(
            receive=self._pipe.receive, signal=self._signal, trouble=self._trouble, progress=self._set_progress
        )
        self._backlog = []
        link = self._link = Link(self._server, self._options, self._make_peer, owner, self._open_signal)
        await link.join(self._token)
        link.transport.on_track_packet = self._track_packet
        self._listener_call(partial(self._listener.on_joined, link.joined, rejoined=rejoined))
        self._connected(link)

    def _connected(self, link: Link) -> None:
        """Packets pass again: tell the room, then send and deliver what waits."""
        if not self._life.handle(Event.SUCCEEDED):
            return
        self._tell(SessionState.CONNECTED)
        self._pipe.attach(link.transport.reliable, link.transport.lossy, link.transport.max_message_size)
        held, self._held_signals = self._held_signals, []
        for request in held:
            link.send(request)
        backlog, self._backlog = self._backlog, None
        for deliver in backlog or ():
            self._listener_call(deliver)

    # reconnecting

    def _trouble(self, event: Event, text: str, reason: models.DisconnectReason) -> None:
        if event is Event.LEAVE_DISCONNECT:
            if self._life.phase is not Phase.CONNECTING:
                self._end(event, reason)
            return
        before = self.state
        if not self._life.handle(event):
            return
        logger.info("%s; %s", text, self._life.phase.name.lower())
        if before is SessionState.CONNECTED:
            self._recovery = asyncio.ensure_future(self._recover())
            self._tell(SessionState.RECONNECTING)

    async def _recover(self) -> None:
        while (attempt := self._life.next_attempt()) is not None:
            await asyncio.sleep(attempt.delay)
            step = {Phase.RESUMING: self._resume, Phase.REJOINING: self._rejoin}.get(self._life.phase)
            if step is None:
                return
            try:
                await within(ATTEMPT_TIMEOUT, step())
            except Exception as error:
                self._attempt_failed(attempt, error)
        if self._life.recovering:
            self._end(Event.GAVE_UP, _Reason.SIGNAL_CLOSE)

    def _attempt_failed(self, attempt: Attempt, error: Exception) -> None:
        if not isinstance(error, (ConnectError, asyncio.TimeoutError)):
            logger.error("attempt %d to reconnect failed", attempt.number, exc_info=error)
        else:
            logger.info("attempt %d to reconnect failed: %s", attempt.number, str(error) or self._progress)
        if isinstance(error, AuthenticationError) and self._life.phase is Phase.REJOINING:
            self._end(Event.REFUSED, _Reason.JOIN_FAILURE)
            return
        timed_out = isinstance(error, asyncio.TimeoutError) and not (self._link is not None and self._link.admitted)
        unreachable = timed_out or isinstance(error, ServerUnreachableError)
        self._life.handle(Event.UNREACHABLE if unreachable else Event.FAILED)

    async def _resume(self) -> None:
        link = self._link
        assert link is not None, "what is resumed was joined"
        last_sequence = await link.resume(self._token, self._pipe.receive_states())
        self._connected(link)
        self._pipe.resumed(last_sequence)

    async def _rejoin(self) -> None:
        self._pipe.detach()
        if self._link is not None:
            await self._link.close(leave=False)
        await self._join(rejoined=True)

    # what comes

    def _signal(self, message: rtc.SignalResponse) -> None:
        self._token = message.refresh_token or message.room_moved.token or self._token
        if self._backlog is None:
            self._listener.on_signal(message)
        else:
            self._backlog.append(partial(self._listener.on_signal, message))

    def _track_packet(self, data: bytes) -> None:
        self.on_track_packet(data)

    def _packet(self, packet: models.DataPacket) -> None:
        if self._backlog is None:
            self._listener.on_packet(packet)
        else:
            self._backlog.append(partial(self._listener.on_packet, packet))

    def _set_progress(self, progress: str) -> None:
        self._progress = progress

    # the end

    def _check_open(self) -> None:
        if self._life.phase is Phase.CLOSED:
            raise SessionClosedError("the room is not connected any more")

    def _end(self, event: Event, reason: models.DisconnectReason, *, leave: bool = False) -> None:
        if not self._life.handle(event, reason):
            return
        self._pipe.close()
        self._held_signals.clear()
        self._released = asyncio.ensure_future(self._release(leave))
        self._tell(SessionState.DISCONNECTED, reason)

    async def _release(self, leave: bool) -> None:
        tasks = [task for task in (self._joining, self._recovery) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._link is None:
            return
        try:
            await within(RELEASE_TIMEOUT, self._link.close(leave=leave))
        except asyncio.TimeoutError:
            logger.warning("closing took longer than %g s", RELEASE_TIMEOUT)
        except Exception:
            logger.exception("closing failed")

    def _tell(self, state: SessionState, reason: models.DisconnectReason = _Reason.UNKNOWN_REASON) -> None:
        self._listener_call(partial(self._listener.on_state, state, reason))

    def _listener_call(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            logger.exception("a session's listener failed")


def _ignore(data: bytes) -> None:
    """The callback of whoever has not set one."""
