"""One join: the signal connection and the peer connections of one participant sid.

A resume replaces the signal connection and keeps the peer connections; a full reconnect is a new session.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

from yarl import URL

from livekit._util.aio import finish, within
from livekit._util.enum_names import enum_name
from livekit.errors import ConnectError, ServerUnreachableError
from livekit.options import RoomOptions
from livekit.protocol import models, rtc
from livekit.signaling import (
    CONTINUATION_FLAG,
    Reconnect,
    RouteMissingError,
    SignalConnection,
    SignalParameters,
    SignalUrls,
)

from .connection_state import Attempt, AttemptTimeouts, ConnectionEvent, leave_event
from .ice_servers import peer_options
from .interfaces import MediaHooks
from .signal_client import SignalAnswer, SignalCallbacks, SignalClient, SignalOpener
from .transport_manager import PeerFactory, TransportManager

__all__ = ["EventHandler", "RtcSession", "SessionCallbacks"]

logger = logging.getLogger("livekit.engine")

LEAVE_TIMEOUT = 0.5
"""Seconds to open a signal connection for the leave request if the old one is lost."""

_INTERNAL_KINDS = frozenset({"join", "reconnect", "pong", "pong_resp", None})
"""Signal messages that are not passed on."""

EventHandler = Callable[[ConnectionEvent, str, models.DisconnectReason], None]
"""Takes an event of the connection, its description for the log, and the reason of a leave."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionCallbacks:
    """Callbacks of a session."""

    on_data: Callable[[bytes], None]
    """A message of a data channel for packets."""
    on_signal: Callable[[rtc.SignalResponse], None]
    """A signal message that the session does not handle itself."""
    on_event: EventHandler
    """An event for the connection's state machine."""
    on_progress: Callable[[str], None]
    """A step of connecting begins; takes its description."""
    receive_states: Callable[[], list[rtc.DataChannelReceiveState]]
    """Returns the last packet received from each sender; the server retransmits later ones."""
    media_hooks: MediaHooks


class RtcSession:
    """The connection of one participant sid: `join`, then `wait_ready`. Its creator must `close` it."""

    def __init__(
        self,
        server: URL,
        options: RoomOptions,
        make_peer: PeerFactory,
        callbacks: SessionCallbacks,
        open_signal: SignalOpener = SignalConnection.open,
    ) -> None:
        self.join_response = rtc.JoinResponse()
        self._server = server
        self._options = options
        self._make_peer = make_peer
        self._callbacks = callbacks
        self._token = ""
        self._transport: TransportManager | None = None
        self._reconnect_reason = models.ReconnectReason.RR_UNKNOWN
        self._signal = SignalClient(
            open_signal,
            SignalCallbacks(
                on_message=self._handle_signal,
                on_closed=self._signal_closed,
                on_address_lost=self._address_lost,
                on_progress=callbacks.on_progress,
            ),
        )

    @property
    def sid(self) -> str:
        """The participant's sid; empty before the join."""
        return self.join_response.participant.sid

    @property
    def is_admitted(self) -> bool:
        """True if the server was reached in the last join or resume, and answered."""
        return self._signal.is_admitted

    @property
    def can_be_continued(self) -> bool:
        """True if the server lets the next session continue this one, without losing or repeating packets."""
        return CONTINUATION_FLAG in self.join_response.server_info.debug_info

    @property
    def has_transport(self) -> bool:
        return self._transport is not None

    @property
    def transport(self) -> TransportManager:
        """The peer connections. Raises RuntimeError before the join."""
        if self._transport is None:
            raise RuntimeError("the session has not joined")
        return self._transport

    @property
    def round_trip_time(self) -> float | None:
        """Round-trip time to the server in seconds; None while unknown."""
        transport = None if self._transport is None else self._transport.round_trip_time
        return transport if transport is not None else self._signal.round_trip_time

    async def join(self, token: str, timeouts: AttemptTimeouts, last_sid: str = "") -> None:
        """Join as a new participant; call `wait_ready` next. `last_sid`: the participant whose session is continued.

        Raises:
            ConnectError: the message says what failed.
            asyncio.TimeoutError: a step took longer than its timeout.
        """
        self._token = token
        dual = self._options.single_peer_connection is False
        try:
            await (self._join_dual if dual else self._join_single)(timeouts, last_sid)
        except RouteMissingError:
            if dual:
                raise
            logger.debug("the server does not support a single peer connection, falling back to two")
            await self._close_transport()
            await self._join_dual(timeouts, last_sid)
        if last_sid:
            self.send(self._sync_state())

    async def wait_ready(self, timeouts: AttemptTimeouts) -> None:
        """Wait until packets can be sent and received. Raises as `join` does."""
        self._callbacks.on_progress("opening the WebRTC connection")
        await within(timeouts.ready, self.transport.wait_ready())

    async def resume(self, token: str, attempt: Attempt) -> int:
        """Open a new signal connection for the same participant; restart ICE if the peer connections are not connected.

        Returns:
            The number of the last reliable packet that the server has.

        Raises:
            ConnectError: the message says what failed; `is_admitted` is False if the server was not reached.
            asyncio.TimeoutError: a step took longer than its timeout.
        """
        self._token = token
        self.transport.reset_error()
        answer = await self._reopen_signal(attempt.timeouts)
        sync = self._sync_state()
        self._callbacks.media_hooks.on_sync(sync.sync_state)
        self._start_signal(answer, sync)
        if attempt.restart_ice or not self.transport.is_connected:
            await self._restart_ice()
        else:
            self.transport.repeat_offer()
        await within(attempt.timeouts.ready, self.transport.wait_ready())
        if not self._signal.is_open:
            raise ServerUnreachableError("the signal connection was lost again")
        return answer.message.reconnect.last_message_seq

    def send(self, request: rtc.SignalRequest) -> None:
        """Send a signal message, or queue it for the next signal connection."""
        self._signal.send(request)

    def ping(self, on_pong: Callable[[], None]) -> None:
        """Ping the server over the signal connection; `on_pong` is called if it answers."""
        self._signal.ping(on_pong)

    async def close(self, *, leave: bool) -> None:
        """Release everything. `leave`: send a leave request, as the participant will not return."""
        if self._transport is not None:
            self._transport.remove_callbacks()
        try:
            if leave:
                await self._send_leave()
        finally:
            await finish(self._release())

    # Joining

    async def _join_single(self, timeouts: AttemptTimeouts, last_sid: str) -> None:
        """Join with one peer connection, whose offer is part of the request."""
        transport = self._make_transport((), single=True)
        offer = await transport.create_offer()
        parameters = SignalParameters(
            auto_subscribe=self._options.auto_subscribe, publisher_offer=offer, last_sid=last_sid
        )
        answer = await self._signal.open(SignalUrls.single(self._server, parameters), self._token, "join", timeouts)
        join = self.join_response = answer.message.join
        transport.use_ice_servers(peer_options(self._options, tuple(join.ice_servers)).ice_servers)
        self._start_signal(answer)

    async def _join_dual(self, timeouts: AttemptTimeouts, last_sid: str) -> None:
        """Join, then offer the publisher's peer connection."""
        parameters = SignalParameters(auto_subscribe=self._options.auto_subscribe, last_sid=last_sid)
        answer = await self._signal.open(SignalUrls.dual(self._server, parameters), self._token, "join", timeouts)
        join = self.join_response = answer.message.join
        transport = self._make_transport(tuple(join.ice_servers), single=False)
        if join.subscriber_primary:
            transport.require_subscriber()
        self._start_signal(answer)
        self.send(rtc.SignalRequest(offer=await transport.create_offer()))

    async def _reopen_signal(self, timeouts: AttemptTimeouts) -> SignalAnswer:
        """Open another signal connection for the same participant."""
        reconnect = Reconnect(participant_sid=self.sid, reason=self._reconnect_reason)
        parameters = SignalParameters(auto_subscribe=self._options.auto_subscribe, reconnect=reconnect)
        urls = SignalUrls.single if self.transport.single else SignalUrls.dual
        return await self._signal.open(urls(self._server, parameters), self._token, "reconnect", timeouts)

    def _start_signal(self, answer: SignalAnswer, *first: rtc.SignalRequest) -> None:
        join = self.join_response
        self._signal.start(answer, ping_interval=join.ping_interval, ping_timeout=join.ping_timeout, first=first)

    def _sync_state(self) -> rtc.SignalRequest:
        states = self._callbacks.receive_states()
        # A LiveKit server may fail for all participants if the subscription is missing.
        sync = rtc.SyncState(subscription=rtc.UpdateSubscription(), datachannel_receive_states=states)
        return rtc.SignalRequest(sync_state=sync)

    async def _restart_ice(self) -> None:
        self._callbacks.on_progress("restarting ICE")
        try:
            offer = await self.transport.create_offer(ice_restart=True)
        except ValueError as error:
            raise ConnectError(f"the WebRTC connection cannot be resumed: {error}") from error
        self.send(rtc.SignalRequest(offer=offer))

    def _make_transport(self, ice_servers: tuple[rtc.ICEServer, ...], *, single: bool) -> TransportManager:
        transport = self._transport = TransportManager(
            self._make_peer,
            peer_options(self._options, ice_servers),
            single=single,
            send=self.send,
            on_data=self._callbacks.on_data,
        )
        transport.on_disconnected = self._transport_disconnected
        transport.on_failed = self._transport_failed
        transport.on_media = self._callbacks.media_hooks.on_transport
        return transport

    # Signal messages and events

    def _handle_signal(self, message: rtc.SignalResponse) -> None:
        if self._transport is not None and self._transport.handle_signal(message):
            return
        kind = message.WhichOneof("message")
        if kind in _INTERNAL_KINDS:
            return
        if kind == "room_moved":
            self.join_response.participant.CopyFrom(message.room_moved.participant)
        self._callbacks.on_signal(message)
        if kind == "leave":
            reason = enum_name(models.DisconnectReason, message.leave.reason)
            text = f"the server asked us to leave: {reason}"
            self._report(leave_event(message.leave), text, message.leave.reason)

    def _signal_closed(self, reason: str) -> None:
        self._reconnect_reason = models.ReconnectReason.RR_SIGNAL_DISCONNECTED
        self._report(ConnectionEvent.SIGNAL_DISCONNECTED, f"the signal connection was lost: {reason}")

    def _address_lost(self, reason: str) -> None:
        self._reconnect_reason = models.ReconnectReason.RR_SIGNAL_DISCONNECTED
        self._report(ConnectionEvent.ADDRESS_LOST, reason)

    def _transport_disconnected(self, reason: str) -> None:
        self._reconnect_reason = models.ReconnectReason.RR_PUBLISHER_FAILED
        self._report(ConnectionEvent.TRANSPORT_DISCONNECTED, reason)

    def _transport_failed(self, reason: str) -> None:
        self._reconnect_reason = models.ReconnectReason.RR_PUBLISHER_FAILED
        self._report(ConnectionEvent.TRANSPORT_FAILED, reason)

    def _report(
        self,
        event: ConnectionEvent,
        text: str,
        reason: models.DisconnectReason = models.DisconnectReason.UNKNOWN_REASON,
    ) -> None:
        if self._transport is not None:
            error = ServerUnreachableError if event is ConnectionEvent.SIGNAL_DISCONNECTED else ConnectError
            self._transport.abort_wait(error(text))
        self._callbacks.on_event(event, text, reason)

    # Closing

    async def _send_leave(self) -> None:
        """Send a leave request, over a new signal connection if the old one is lost."""
        leave = rtc.LeaveRequest(
            reason=models.DisconnectReason.CLIENT_INITIATED, action=rtc.LeaveRequest.Action.DISCONNECT
        )
        if self.sid and not self._signal.is_open:
            with contextlib.suppress(ConnectError, asyncio.TimeoutError):
                await within(LEAVE_TIMEOUT, self._reopen_signal(AttemptTimeouts()))
        await self._signal.finish(rtc.SignalRequest(leave=leave))

    async def _release(self) -> None:
        try:
            await self._signal.close()
        finally:
            await self._close_transport()

    async def _close_transport(self) -> None:
        self._signal.discard_queued()
        if self._transport is not None:
            await finish(self._transport.close())
            self._transport = None
