"""Asyncio shell around `Caller`: sends requests as packets and completes each call's future."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import cast

from livekit._event_loop import check_loop
from livekit._util.logs import fields
from livekit.engine.interfaces import PacketSender, PacketStream, QueuedPacket, SendOptions
from livekit.errors import OutboxFullError, PacketTooLargeError, SessionClosedError
from livekit.options import RpcOptions
from livekit.protocol import models
from livekit.streams.framing import HeaderTooLargeError, text_stream
from livekit.streams.reassembly import IncompleteStreamError, SenderLeftError, StreamSink, StreamTooLongError

from . import wire
from .caller import Caller, CallerLimits
from .deadline import remaining_budget
from .errors import RpcError, RpcNotConnectedError, built_in_error, error_from_proto, reason
from .invocation import RpcCallInfo
from .loop_timer import LoopTimer
from .outgoing_call import OutgoingCall
from .peer_info import PeerLookup
from .request_window import RequestWindow

logger = logging.getLogger("livekit.rpc")

DEFAULT_RESPONSE_TIMEOUT = 15.0
"""Seconds from the start of a call to its end."""
DEFAULT_MAX_ROUND_TRIP_LATENCY = 7.0
"""Seconds from the delivery of a request to its acknowledgement."""

CLOSE_SLICE = 200
"""Calls that fail in one iteration of the event loop when the room disconnects or a participant leaves."""

_Code = RpcError.ErrorCode


class RpcClient:
    """Outgoing calls of a connected room."""

    def __init__(
        self,
        sender: PacketSender,
        peers: PeerLookup,
        options: RpcOptions,
        server_rtt: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._server_rtt = server_rtt
        self._sender = sender
        self._limit = options.max_payload_size
        limits = CallerLimits(
            max_payload_size=options.max_payload_size,
            fail_fast_while_reconnecting=options.fail_fast_while_reconnecting,
        )
        self.caller = Caller(self, peers, limits)
        self._timer = LoopTimer(self._loop, self.caller)
        self._window = RequestWindow()
        self._streams: dict[str, PacketStream] = {}
        """Requests being sent as streams, by request id."""
        self._queued: dict[str, QueuedPacket] = {}
        """Single-packet requests in the send queue, by request id."""
        self._responses: dict[str, _ResponseSink] = {}
        """Version 2 responses being received, by request id."""
        self._disconnected: deque[OutgoingCall] = deque()
        """Calls whose peer left, to be failed in the next iterations of the event loop."""
        self._unsupported_server = False

    def set_server_info(self, server: models.ServerInfo) -> None:
        """Apply the server's version and flags, from its join response."""
        self.caller.timing.announces_joins = wire.SERVER_ANNOUNCES_JOINS in server.debug_info
        self._unsupported_server = _older_than(server.version, (1, 8, 0))

    async def perform(self, info: RpcCallInfo, *, wait_for_ready: bool = False) -> str:
        """Make a call; the arguments must have been checked.

        Cancelling it sends the callee a cancel, and a callee with this SDK cancels the handler.

        Raises:
            RpcError: the call failed, for any reason.
        """
        check_loop(self._loop)
        if self._unsupported_server:
            raise built_in_error(_Code.UNSUPPORTED_SERVER)
        now = self._loop.time()
        budget = DEFAULT_RESPONSE_TIMEOUT if info.response_timeout is None else info.response_timeout
        inherited = remaining_budget(now)
        if inherited is not None and inherited < budget:
            budget = inherited
            if budget <= 0:
                raise built_in_error(_Code.RESPONSE_TIMEOUT, reason("deadline_of_handler_passed"))
        latency = info.max_round_trip_latency
        self.caller.timing.server_rtt = self._server_rtt() or 0.0
        future: asyncio.Future[str] = self._loop.create_future()
        call = self.caller.start(
            info.destination_identity,
            info.method,
            info.payload,
            request_id=info.request_id,
            budget=budget,
            ack_timeout=DEFAULT_MAX_ROUND_TRIP_LATENCY if latency is None else latency,
            wait_for_ready=wait_for_ready,
            waiter=future,
            now=now,
        )
        self._timer.update()
        try:
            return await future
        except asyncio.CancelledError:
            self.caller.cancel(call)
            self._drop_response(call)
            self._release_slot(call)
            raise

    # Events of the connection

    def receive_ack(self, sender: str, ack: models.RpcAck) -> None:
        """Handle an acknowledgement."""
        call = self.caller.receive_ack(sender, ack.request_id, self._loop.time())
        if call is not None:
            self._release_slot(call)

    def receive_response(self, sender: str, response: models.RpcResponse) -> None:
        """Handle a version 1 success, or a failure of either version."""
        if response.HasField("error"):
            self.caller.receive_error(sender, response.request_id, error_from_proto(response.error))
        else:
            self.caller.receive_response(sender, response.request_id, response.payload)

    def open_response(self, sender: str, header: models.DataStream.Header) -> StreamSink | None:
        """Return the sink of a version 2 response, None to refuse it if no call awaits it."""
        request_id = header.attributes.get(wire.ATTR_REQUEST_ID, "")
        if request_id in self._responses or not self.caller.awaits_answer(sender, request_id):
            return None
        sink = self._responses[request_id] = _ResponseSink(self.caller, sender, request_id, self._limit)
        return sink

    def peer_changed(self, identity: str) -> None:
        """A participant was announced, became ACTIVE or sent its first packet."""
        self.caller.peer_changed(identity, self._loop.time())
        self._timer.update()

    def peer_left(self, identity: str) -> None:
        """A participant left the room."""
        self._window.reset(identity)
        self.caller.peer_left(identity)

    def peer_missing(self, identity: str) -> None:
        """A participant is not in the room after our own full reconnect."""
        self._requeue_unsent(identity)
        self.caller.peer_missing(identity, self._loop.time())
        self._timer.update()

    def peer_restarted(self, identity: str) -> None:
        """A participant reconnected in full, under a new sid."""
        self._requeue_unsent(identity)
        self.caller.peer_restarted(identity)
        self._timer.update()

    def _requeue_unsent(self, identity: str) -> None:
        """Let the calls that wait for a slot wait for the peer."""
        now = self._loop.time()
        for call in self._window.reset(identity):
            self.caller.requeue(call, now)

    def set_online(self, online: bool) -> None:
        """Update the connection state; calls wait while it is offline."""
        self.caller.set_online(online, self._loop.time())
        self._timer.update()

    def close(self) -> bool:
        """The room disconnected: fail the pending calls, up to `CLOSE_SLICE`. Return True if none is left."""
        self._window.clear()
        self._timer.close()
        return self.caller.close(CLOSE_SLICE) and not self._disconnected

    async def close_all(self) -> None:
        """Fail all pending calls without blocking the event loop for long."""
        while not self.close():  # noqa: ASYNC110 - yields between slices
            await asyncio.sleep(0)

    # CallerOutput

    def send_request(self, call: OutgoingCall) -> None:
        """Send the request, or queue it if the window is full. Raises RpcError."""
        if self._window.acquire(call, self._loop.time()):
            try:
                self._transmit(call)
            except BaseException:
                self._release_slot(call)
                raise

    def _transmit(self, call: OutgoingCall) -> None:
        try:
            packets = self._request_packets(call)
            options = SendOptions(on_delivered=partial(self._request_delivered, call))
            if isinstance(packets, models.DataPacket):
                queued = self._sender.send_packet(packets, options)
                if queued is not None:
                    self._queued[call.request_id] = queued
            else:
                self._streams[call.request_id] = self._sender.send_packets(packets, options)
        except (HeaderTooLargeError, PacketTooLargeError) as error:
            raise built_in_error(_Code.REQUEST_PAYLOAD_TOO_LARGE, reason(str(error))) from error
        except OutboxFullError as error:
            raise built_in_error(_Code.SEND_FAILED, reason("send_queue_full")) from error
        except SessionClosedError as error:
            raise not_connected() from error

    def _transmit_queued(self, call: OutgoingCall) -> None:
        """Send a request that was queued for a slot."""
        self.caller.set_timeout(call, self._loop.time())
        try:
            self._transmit(call)
        except Exception as error:  # not recursively: each failure releases the next call's slot
            self._loop.call_soon(self._fail_queued, call, error)

    def _fail_queued(self, call: OutgoingCall, error: Exception) -> None:
        """Fail a queued request that could not be sent."""
        self.caller.discard(call)
        self.complete(call, error)

    def _release_slot(self, call: OutgoingCall) -> None:
        """Release the call's slot in the window and send the requests that get one."""
        for following in self._window.release(call, self._loop.time()):
            self._transmit_queued(following)

    def withdraw_request(self, call: OutgoingCall) -> bool:
        """Withdraw a request that still waits for a slot or in the send queue."""
        if self._window.is_queued(call):
            self._release_slot(call)
            return True
        queued = self._queued.pop(call.request_id, None)
        return queued is not None and queued.withdraw()

    def send_cancel(self, call: OutgoingCall) -> None:
        """Withdraw the request if it has not been sent, else send a cancel."""
        if self.withdraw_request(call):
            return
        stream = self._streams.pop(call.request_id, None)
        if stream is not None:
            stream.cancel()
        try:
            self._sender.send_packet(wire.cancel_packet(call.destination, call.request_id, call.request_id))
        except SessionClosedError:
            about = fields(participant=call.destination, call=call.request_id)
            logger.debug("call %s: not connected, so its cancel was not sent", call.request_id, extra=about)

    def complete(self, call: OutgoingCall, outcome: str | Exception) -> None:
        """Resolve the call's future and release what the call holds."""
        self._drop_response(call)
        queued = self._queued.pop(call.request_id, None)
        if queued is not None:
            queued.withdraw()
        if call.request_id in self._streams:
            self.send_cancel(call)  # it failed while being sent: abort the stream
        future = cast("asyncio.Future[str]", call.waiter)
        if not future.done():
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        self._release_slot(call)

    def fail_disconnected(self, calls: Sequence[OutgoingCall]) -> None:
        """Fail calls whose peer left, `CLOSE_SLICE` per iteration of the event loop."""
        is_scheduled = bool(self._disconnected)
        self._disconnected += calls
        if not is_scheduled:
            self._fail_slice()

    def _fail_slice(self) -> None:
        calls = self._disconnected
        for _ in range(min(CLOSE_SLICE, len(calls))):
            self.complete(calls.popleft(), built_in_error(_Code.RECIPIENT_DISCONNECTED))
        if calls:
            self._loop.call_soon(self._fail_slice)

    def _request_packets(self, call: OutgoingCall) -> models.DataPacket | Iterator[models.DataPacket]:
        peer = call.peer
        if peer is None or call.version == wire.VERSION_1:
            return wire.request_packet(call.destination, call.request_id, call.method, call.payload, call.timeout_ms)
        return text_stream(
            call.payload,
            topic=wire.REQUEST_TOPIC,
            destinations=[call.destination],
            attributes=wire.request_attributes(call.request_id, call.method, call.timeout_ms),
            stream_id=call.request_id,
            inline=peer.client_protocol >= wire.PROTOCOL_INLINE_STREAMS,
            deflate=peer.deflate,
            timestamp_ms=time.time_ns() // 1_000_000,
        )

    def _drop_response(self, call: OutgoingCall) -> None:
        """Drop the response that is still being received, if there is one."""
        sink = self._responses.pop(call.request_id, None)
        if sink is not None:
            sink.drop()

    def _request_delivered(self, call: OutgoingCall) -> None:
        self._queued.pop(call.request_id, None)
        self._streams.pop(call.request_id, None)
        self.caller.request_delivered(call, self._loop.time())
        self._timer.update()


class _ResponseSink:
    """Receives the stream of a version 2 response. Implements `StreamSink`."""

    def __init__(self, caller: Caller, sender: str, request_id: str, limit: int | None) -> None:
        self.limit = limit
        self._caller = caller
        self._sender = sender
        self._request_id = request_id
        self._content: bytearray | None = bytearray()

    def drop(self) -> None:
        """Discard the content received so far and from now on."""
        self._content = None

    def received(self, content: bytes) -> None:
        """Append content."""
        if self._content is not None:
            self._content += content

    def finished(self, attributes: Mapping[str, str]) -> None:
        """Complete the call with the payload."""
        if self._content is None:
            return
        try:
            payload = self._content.decode()
        except UnicodeDecodeError:
            self._fail(_Code.APPLICATION_ERROR, "response_not_utf8")
        else:
            self._caller.receive_response(self._sender, self._request_id, payload)

    def failed(self, error: IncompleteStreamError) -> None:
        """Fail the call."""
        if isinstance(error, StreamTooLongError):
            self._fail(_Code.RESPONSE_PAYLOAD_TOO_LARGE, f"over {self.limit} bytes")
        elif not isinstance(error, SenderLeftError):  # the caller handles that itself, with another code
            self._fail(_Code.APPLICATION_ERROR, f"response_incomplete: {error}")

    def _fail(self, code: RpcError.ErrorCode, why: str) -> None:
        self._caller.receive_error(self._sender, self._request_id, built_in_error(code, reason(why)))


def not_connected() -> RpcNotConnectedError:
    """Return the error of calls made without a connection."""
    message = "the room is not connected: await room.connect(...) first"
    return RpcNotConnectedError(_Code.SEND_FAILED, message, reason("not_connected"))


def _older_than(version: str, wanted: tuple[int, ...]) -> bool:
    """Return True if a server's version is older than `wanted`. One that cannot be parsed counts as new."""
    parts = version.split("-", 1)[0].split(".")
    if not all(part.isdecimal() for part in parts):
        return False
    return (*map(int, parts), 0, 0)[: len(wanted)] < wanted
