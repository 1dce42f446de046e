"""One join: the signal connection and the peer connections of one participant sid, from join to close.

A resume replaces the signal connection and keeps the peer connections; a full reconnect is a new session.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from yarl import URL

from livekit._util.aio import finish, within
from livekit._util.callbacks import ignore
from livekit._util.enum_names import enum_name
from livekit.errors import ConnectError, ServerUnreachableError
from livekit.options import RoomOptions
from livekit.protocol import models, rtc
from livekit.signaling import (
    SERVER_CONTINUES,
    Reconnect,
    RouteMissingError,
    SignalConnection,
    SignalParameters,
    SignalUrls,
)

from .connection_state import Attempt, Event, TimeLimits
from .ice_servers import peer_options
from .local_address import LocalAddressMonitor
from .transport_manager import PeerFactory, TransportManager

__all__ = ["RtcSession", "SessionCallbacks", "SignalOpener"]

logger = logging.getLogger("livekit.engine")

FAREWELL_TIMEOUT = 0.5
"""Seconds to tell the server that we leave where the signal connection for that must be made first."""

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
class SessionCallbacks:
    """Where a session reports to."""

    receive: Callable[[bytes], None]
    """A message from any data channel."""
    signal: Callable[[rtc.SignalResponse], None]
    """A signal message that is not the session's own business."""
    trouble: Callable[[Event, str, models.DisconnectReason], None]
    """Something that the connection's state machine must know, in words too."""
    progress: Callable[[str], None]
    """What is being waited for."""
    received: Callable[[], list[rtc.DataChannelReceiveState]]
    """What came last from whom, for the server to send again what follows."""


class RtcSession:
    """The connection of one participant sid. `enter` first; whoever made it must `close` it."""

    def __init__(
        self,
        server: URL,
        options: RoomOptions,
        make_peer: PeerFactory,
        owner: SessionCallbacks,
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
        self._token = ""
        self._signal: SignalConnection | None = None
        self._transport: TransportManager | None = None
        self._address: LocalAddressMonitor | None = None
        self._unsent: list[rtc.SignalRequest] = []
        self._last_trouble = models.ReconnectReason.RR_UNKNOWN

    @property
    def sid(self) -> str:
        return self.joined.participant.sid

    @property
    def may_be_continued(self) -> bool:
        """Whether the server lets who joins anew go on where this session stopped."""
        return SERVER_CONTINUES in self.joined.server_info.debug_info

    @property
    def has_transport(self) -> bool:
        return self._transport is not None

    @property
    def transport(self) -> TransportManager:
        if self._transport is None:
            raise RuntimeError("the session has not joined")
        return self._transport

    @property
    def round_trip_time(self) -> float | None:
        """Seconds to the server and back."""
        transport = None if self._transport is None else self._transport.round_trip_time
        return transport if transport is not None or self._signal is None else self._signal.round_trip_time

    async def enter(self, token: str, limits: TimeLimits, last_sid: str = "") -> None:
        """Join; `wait_ready` next. `last_sid`: as whom to go on.

        Raises:
            ConnectError: the kind says what failed.
            asyncio.TimeoutError: a step took longer than its limit.
        """
        self._token = token
        dual = self._options.single_peer_connection is False
        try:
            await (self._enter_dual if dual else self._enter_single)(limits, last_sid)
        except RouteMissingError:
            if dual:
                raise
            logger.debug("the server knows no single peer connection, falling back to two")
            await self._drop_transport()
            await self._enter_dual(limits, last_sid)
        if last_sid:
            self.send(self._sync_state())

    async def wait_ready(self, limits: TimeLimits) -> None:
        """Wait until packets can pass. Raises as `enter` does."""
        self._owner.progress("opening the WebRTC connection")
        await within(limits.ready, self.transport.wait_ready())

    async def resume(self, token: str, attempt: Attempt) -> int:
        """Open a new signal connection for the same participant; restart ICE where the path is dead.

        Returns the number of the last reliable packet that the server had.

        Raises:
            ConnectError: what failed; `admitted` says whether the server was reached.
            asyncio.TimeoutError: a step took longer than its limit.
        """
        self._token = token
        self.admitted = False
        self.transport.begin()
        await self._drop_signal()
        answer, early = await self._reopen(attempt.limits)
        self._start_signal([self._sync_state()], early)
        if attempt.restart_ice or not self.transport.path_is_alive:
            await self._restart_ice()
        await within(attempt.limits.ready, self.transport.wait_ready())
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
        if self._transport is not None:
            self._transport.silence()
        try:
            if leave:
                await self._say_goodbye()
        finally:
            await finish(self._release())

    # joining

    async def _enter_single(self, limits: TimeLimits, last_sid: str) -> None:
        transport = self._make_transport((), single=True)
        parameters = SignalParameters(
            auto_subscribe=self._options.auto_subscribe, publisher_offer=await transport.offer(), last_sid=last_sid
        )
        answer, early = await self._open_signal(SignalUrls.single(self._server, parameters), "join", limits)
        self.joined = answer.join
        transport.use_ice_servers(peer_options(self._options, tuple(answer.join.ice_servers)).ice_servers)
        self._start_signal([], early)

    async def _enter_dual(self, limits: TimeLimits, last_sid: str) -> None:
        parameters = SignalParameters(auto_subscribe=self._options.auto_subscribe, last_sid=last_sid)
        answer, early = await self._open_signal(SignalUrls.dual(self._server, parameters), "join", limits)
        self.joined = answer.join
        transport = self._make_transport(tuple(answer.join.ice_servers), single=False)
        if answer.join.subscriber_primary:
            transport.expect_subscriber()
        self._start_signal([], early)
        self.send(rtc.SignalRequest(offer=await transport.offer()))

    async def _reopen(self, limits: TimeLimits) -> tuple[rtc.SignalResponse, list[rtc.SignalResponse]]:
        """Open another signal connection for the same participant."""
        reconnect = Reconnect(participant_sid=self.sid, reason=self._last_trouble)
        parameters = SignalParameters(auto_subscribe=self._options.auto_subscribe, reconnect=reconnect)
        urls = SignalUrls.single if self.transport.single else SignalUrls.dual
        return await self._open_signal(urls(self._server, parameters), "reconnect", limits)

    async def _open_signal(
        self, urls: SignalUrls, expected: str, limits: TimeLimits
    ) -> tuple[rtc.SignalResponse, list[rtc.SignalResponse]]:
        """Connect and wait for `expected`; what comes before it is returned too."""

        async def open_connection() -> SignalConnection:
            signal = self._signal = await self._open_connection(urls, self._token, self._owner.progress)
            return signal

        signal = await within(limits.open, open_connection())
        return await within(limits.answer, self._await_answer(signal, expected))

    async def _await_answer(
        self, signal: SignalConnection, expected: str
    ) -> tuple[rtc.SignalResponse, list[rtc.SignalResponse]]:
        early: list[rtc.SignalResponse] = []
        while True:
            message = await signal.receive()
            kind = message.WhichOneof("message")
            if kind == expected:
                self.admitted = True
                return message, early
            if kind == "leave":
                self.admitted = True
                self._owner.signal(message)
                self._leave(message.leave)
                reason = enum_name(models.DisconnectReason, message.leave.reason)
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
        if signal.local_address is not None:
            self._address = LocalAddressMonitor(signal.local_address, self._address_gone)
        unsent, self._unsent = self._unsent, []
        for request in (*first, *unsent):
            signal.send(request)
        for message in early:
            self._signal_message(message)

    def _sync_state(self) -> rtc.SignalRequest:
        sync = rtc.SyncState(subscription=rtc.UpdateSubscription(), datachannel_receive_states=self._owner.received())
        return rtc.SignalRequest(sync_state=sync)

    async def _restart_ice(self) -> None:
        self._owner.progress("restarting ICE")
        try:
            offer = await self.transport.offer(ice_restart=True)
        except ValueError as error:
            raise ConnectError(f"the WebRTC connection cannot be revived: {error}") from error
        self.send(rtc.SignalRequest(offer=offer))

    def _make_transport(self, ice_servers: tuple[rtc.ICEServer, ...], *, single: bool) -> TransportManager:
        transport = self._transport = TransportManager(
            self._make_peer,
            peer_options(self._options, ice_servers),
            single=single,
            send=self.send,
            receive=self._owner.receive,
        )
        transport.on_silent = self._path_silent
        transport.on_lost = self._path_failed
        return transport

    # what happens

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
        reason = enum_name(models.DisconnectReason, leave.reason)
        text = f"the server asks us to leave: {reason}"
        self._trouble(_LEAVE_EVENTS.get(action, Event.LEAVE_DISCONNECT), text, leave.reason)

    def _signal_closed(self, reason: str) -> None:
        self._last_trouble = models.ReconnectReason.RR_SIGNAL_DISCONNECTED
        self._trouble(Event.SIGNAL_LOST, f"the signal connection was lost: {reason}")

    def _address_gone(self, reason: str) -> None:
        self._last_trouble = models.ReconnectReason.RR_SIGNAL_DISCONNECTED
        self._trouble(Event.ADDRESS_GONE, reason)

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

    # the end

    async def _say_goodbye(self) -> None:
        """Tell the server that we leave, over a new signal connection where the old one is lost."""
        leave = rtc.LeaveRequest(reason=models.DisconnectReason.CLIENT_INITIATED, action=_Action.DISCONNECT)
        if self.sid and (self._signal is None or self._signal.closed):
            await self._drop_signal()
            with contextlib.suppress(ConnectError, asyncio.TimeoutError):
                await within(FAREWELL_TIMEOUT, self._reopen(TimeLimits()))
        if self._signal is not None:
            self._signal.on_message = self._signal.on_closed = ignore
            self._signal.send(rtc.SignalRequest(leave=leave))
            await self._signal.close()

    async def _release(self) -> None:
        try:
            await self._drop_signal()
        finally:
            await self._drop_transport()

    async def _drop_signal(self) -> None:
        signal, self._signal = self._signal, None
        if self._address is not None:
            self._address.stop()
        if signal is not None:
            signal.on_message = signal.on_closed = ignore
            await signal.abort()

    async def _drop_transport(self) -> None:
        transport, self._transport = self._transport, None
        self._unsent.clear()
        if transport is not None:
            await finish(transport.close())
