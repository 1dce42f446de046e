"""One join: the signal connection and the peer connections of one participant sid, from join to close.

A resume replaces the signal connection and keeps the peer connections; a full reconnect is a new link.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from yarl import URL

from livekit._aio import finish
from livekit.enums import IceTransportType
from livekit.errors import ConnectError, ServerUnreachableError
from livekit.options import RoomOptions
from livekit.protocol import models, rtc
from livekit.signaling import Reconnect, RouteMissingError, SignalConnection, SignalParameters, SignalUrls
from livekit.webrtc import IceServerSettings, PeerOptions

from .reconnect import Event
from .transport import PeerFactory, Transport

__all__ = ["Link", "LinkOwner", "SignalOpener"]

logger = logging.getLogger("livekit.session")

_Action = rtc.LeaveRequest.Action
_LEAVE_EVENTS = {
    _Action.DISCONNECT: Event.LEAVE_DISCONNECT,
    _Action.RESUME: Event.LEAVE_RESUME,
    _Action.RECONNECT: Event.LEAVE_RECONNECT,
}
_SILENT_KINDS = frozenset({"join", "reconnect", "pong", "pong_resp", None})
"""Signal messages that go no further."""

SignalOpener = Callable[[SignalUrls, str, Callable[[str], None]], Awaitable[SignalConnection]]
"""Opens a signal connection; :meth:`SignalConnection.open` over the network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkOwner:
    """Where a link reports to."""

    receive: Callable[[bytes], None]
    """A message from any data channel."""
    signal: Callable[[rtc.SignalResponse], None]
    """A signal message that is not the link's own business."""
    trouble: Callable[[Event, str, models.DisconnectReason], None]
    """Something that the connection's state machine must know, in words too."""
    progress: Callable[[str], None]
    """What is being waited for."""


class Link:
    """The connection of one participant sid. `join` first; whoever made it must `close` it."""

    def __init__(
        self,
        server: URL,
        options: RoomOptions,
        make_peer: PeerFactory,
        owner: LinkOwner,
        open_signal: SignalOpener = SignalConnection.open,
    ) -> None:
        self.admitted = False
        """Whether the server admitted us in the last join or resume."""
        self.joined = rtc.JoinResponse()
        self._server = server
        self._options = options
        self._make_peer = make_peer
        self._open_connection = open_signal
        self._owner = owner
        self._signal: SignalConnection | None = None
        self._transport: Transport | None = None
        self._unsent: list[rtc.SignalRequest] = []
        self._last_trouble = models.ReconnectReason.RR_UNKNOWN

    @property
    def transport(self) -> Transport:
        if self._transport is None:
            raise RuntimeError("the link has not joined")
        return self._transport

    @property
    def round_trip_time(self) -> float | None:
        """Seconds to the server and back."""
        transport = None if self._transport is None else self._transport.round_trip_time
        return transport if transport is not None or self._signal is None else self._signal.round_trip_time

    async def join(self, token: str) -> None:
        """Join and wait until packets can pass.

        Raises:
            ConnectError: the kind says what failed.
        """
        if self._options.single_peer_connection is False:
            await self._join_dual(token)
        else:
            try:
                await self._join_single(token)
            except RouteMissingError:
                logger.debug("the server knows no single peer connection, falling back to two")
                await self._drop_transport()
                await self._join_dual(token)
        self._owner.progress("opening the WebRTC connection")
        await self.transport.wait_ready()

    async def resume(self, token: str, states: list[rtc.DataChannelReceiveState]) -> int:
        """Open a new signal connection for the same participant; restart ICE where the path is dead.

        Returns the number of the last reliable packet that the server had.

        Raises:
            ConnectError: what failed; `admitted` says whether the server was reached.
        """
        self.admitted = False
        self.transport.begin()
        if self._signal is not None:
            await self._signal.abort()
        reconnect = Reconnect(participant_sid=self.joined.participant.sid, reason=self._last_trouble)
        parameters = SignalParameters(auto_subscribe=self._options.auto_subscribe, reconnect=reconnect)
        urls = SignalUrls.single if self.transport.single else SignalUrls.dual
        answer, early = await self._open_signal(urls(self._server, parameters), token, "reconnect")
        sync = rtc.SyncState(subscription=rtc.UpdateSubscription(), datachannel_receive_states=states)
        self._start_signal([rtc.SignalRequest(sync_state=sync)], early)
        await self._restart_dead_path()
        await self.transport.wait_ready()
        if self._signal is None or self._signal.closed:
            raise ServerUnreachableError("the signal connection was lost again")
        return answer.reconnect.last_message_seq

    def send(self, request: rtc.SignalRequest) -> None:
        """Send a signal message, or keep it until there is a signal connection."""
        if self._signal is None or self._signal.closed:
            self._unsent.append(request)
        else:
            self._signal.send(request)

    async def close(self, *, leave: bool) -> None:
        """Release everything; `leave` tells the server that we go and do not come back."""
        signal, self._signal = self._signal, None
        if self._transport is not None:
            self._transport.silence()
        if signal is not None:
            signal.on_message = signal.on_closed = _ignore
            if leave and self.admitted:
                reason = models.DisconnectReason.CLIENT_INITIATED
                signal.send(rtc.SignalRequest(leave=rtc.LeaveRequest(reason=reason, action=_Action.DISCONNECT)))
                await signal.close()
            else:
                await signal.abort()
        await self._drop_transport()

    async def _join_single(self, token: str) -> None:
        transport = self._make_transport((), single=True)
        parameters = SignalParameters(
            auto_subscribe=self._options.auto_subscribe, publisher_offer=await transport.offer()
        )
        answer, early = await self._open_signal(SignalUrls.single(self._server, parameters), token, "join")
        self.joined = answer.join
        transport.use_ice_servers(_peer_options(self._options, tuple(answer.join.ice_servers)).ice_servers)
        self._start_signal([], early)

    async def _join_dual(self, token: str) -> None:
        parameters = SignalParameters(auto_subscribe=self._options.auto_subscribe)
        answer, early = await self._open_signal(SignalUrls.dual(self._server, parameters), token, "join")
        self.joined = answer.join
        transport = self._make_transport(tuple(answer.join.ice_servers), single=False)
        if answer.join.subscriber_primary:
            transport.expect_subscriber()
        self._start_signal([], early)
        self.send(rtc.SignalRequest(offer=await transport.offer()))

    async def _open_signal(
        self, urls: SignalUrls, token: str, expected: str
    ) -> tuple[rtc.SignalResponse, list[rtc.SignalResponse]]:
        """Connect and wait for `expected`; what comes before it is returned too."""
        signal = self._signal = await self._open_connection(urls, token, self._owner.progress)
        early: list[rtc.SignalResponse] = []
        while True:
            message = await signal.receive()
            kind = message.WhichOneof("message")
            if kind == expected:
                self.admitted = True
                return message, early
            if kind == "leave":
                self.admitted = True
                self._leave(message.leave)
                reason = models.DisconnectReason.Name(message.leave.reason)
                raise ConnectError(f"the server does not admit us: {reason}")
            if kind == "join":
                self.admitted = True
                raise ConnectError("the server does not know us any more")
            early.append(message)

    def _start_signal(self, first: list[rtc.SignalRequest], early: list[rtc.SignalResponse]) -> None:
        signal = self._signal
        assert signal is not None, "a signal connection was opened before"
        signal.on_message = self._signal_message
        signal.on_closed = self._signal_closed
        signal.start(ping_interval=self.joined.ping_interval, ping_timeout=self.joined.ping_timeout)
        unsent, self._unsent = self._unsent, []
        for request in (*first, *unsent):
            signal.send(request)
        for message in early:
            self._signal_message(message)

    async def _restart_dead_path(self) -> None:
        if self.transport.path_is_alive:
            return
        self._owner.progress("restarting ICE")
        try:
            offer = await self.transport.offer(ice_restart=True)
        except ValueError as error:
            raise ConnectError(f"the WebRTC connection cannot be revived: {error}") from error
        self.send(rtc.SignalRequest(offer=offer))

    def _make_transport(self, ice_servers: tuple[rtc.ICEServer, ...], *, single: bool) -> Transport:
        transport = self._transport = Transport(
            self._make_peer,
            _peer_options(self._options, ice_servers),
            single=single,
            send=self.send,
            receive=self._owner.receive,
        )
        transport.on_silent = self._path_silent
        transport.on_lost = self._path_failed
        return transport

    async def _drop_transport(self) -> None:
        transport, self._transport = self._transport, None
        self._unsent.clear()
        if transport is not None:
            await finish(transport.close())

    def _signal_message(self, message: rtc.SignalResponse) -> None:
        if self._transport is not None and self._transport.handle(message):
            return
        kind = message.WhichOneof("message")
        if kind in _SILENT_KINDS:
            return
        if kind == "room_moved":
            self.joined.participant.CopyFrom(message.room_moved.participant)
        self._owner.signal(message)
        if kind == "leave":
            self._leave(message.leave)

    def _leave(self, leave: rtc.LeaveRequest) -> None:
        action = leave.action
        if action == _Action.DISCONNECT and leave.can_reconnect:
            action = _Action.RECONNECT
        reason = models.DisconnectReason.Name(leave.reason)
        text = f"the server asks us to leave: {reason}"
        self._trouble(_LEAVE_EVENTS.get(action, Event.LEAVE_DISCONNECT), text, leave.reason)

    def _signal_closed(self, reason: str) -> None:
        self._last_trouble = models.ReconnectReason.RR_SIGNAL_DISCONNECTED
        self._trouble(Event.SIGNAL_LOST, f"the signal connection was lost: {reason}")

    def _path_silent(self, reason: str) -> None:
        self._last_trouble = models.ReconnectReason.RR_PUBLISHER_FAILED
        self._trouble(Event.PATH_SILENT, reason)

    def _path_failed(self, reason: str) -> None:
        self._last_trouble = models.ReconnectReason.RR_PUBLISHER_FAILED
        self._trouble(Event.PATH_FAILED, reason)

    def _trouble(
        self,
        event: Event,
        text: str,
        reason: models.DisconnectReason = models.DisconnectReason.UNKNOWN_REASON,
    ) -> None:
        if self._transport is not None:
            error = ServerUnreachableError if event is Event.SIGNAL_LOST else ConnectError
            self._transport.give_up(error(text))
        self._owner.trouble(event, text, reason)


def _peer_options(options: RoomOptions, offered: tuple[rtc.ICEServer, ...]) -> PeerOptions:
    config = options.rtc_config
    if config is not None and config.ice_servers:
        servers = [
            IceServerSettings(urls=list(server.urls), username=server.username, credential=server.password)
            for server in config.ice_servers
        ]
    else:
        # STUN servers are left out: a LiveKit server answers checks to whatever address they come from (RFC 8445
        # section 7.3.1.3), and asking them would only make gathering wait.
        servers = [
            IceServerSettings(urls=turn, username=server.username, credential=server.credential)
            for server in offered
            if (turn := [url for url in server.urls if url.startswith("turn")])
        ]
    relay_only = config is not None and config.ice_transport_type == IceTransportType.TRANSPORT_RELAY
    return PeerOptions(ice_servers=servers, relay_only=relay_only)


def _ignore(*_: object) -> None:
    """The callback of a link that is closed."""
