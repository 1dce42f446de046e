"""Making calls: the asyncio shell around `Caller`. A call goes out as packets; its outcome comes back as a future."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import cast

from livekit._util.logs import fields
from livekit.engine.interfaces import PacketSender, PacketStream, QueuedPacket, SendOptions
from livekit.errors import OutboxFullError, PacketTooLargeError, SessionClosedError
from livekit.options import RpcOptions
from livekit.protocol import models
from livekit.streams.framing import HeaderTooLargeError, text_stream
from livekit.streams.reassembly import IncompleteStreamError, SenderLeftError, StreamSink, StreamTooLongError

from . import wire
from .caller import Caller, CallerLimits, OutgoingCall
from .deadline import remaining_budget
from .errors import RpcError, RpcNotConnectedError, reason
from .invocation import RpcCallInfo
from .loop_timer import LoopTimer
from .peer_info import PeerDirectory
from .request_window import RequestWindow

logger = logging.getLogger("livekit.rpc")

DEFAULT_RESPONSE_TIMEOUT = 15.0
"""Seconds from the call to its end."""
DEFAULT_MAX_ROUND_TRIP_LATENCY = 7.0
"""Seconds from when the request was delivered until it must have been acknowledged."""

_Code = RpcError.ErrorCode


class RpcClient:
    """The calls that one room makes while it is joined to a session."""

    def __init__(
        self,
        sender: PacketSender,
        peers: PeerDirectory,
        options: RpcOptions,
        link_round_trip: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._link_round_trip = link_round_trip
        self._sender = sender
        self._limit = options.max_payload_size
        limits = CallerLimits(
            max_payload_size=options.max_payload_size,
            fail_fast_while_reconnecting=options.fail_fast_while_reconnecting,
        )
        self.core = Caller(self, peers, limits)
        self._timer = LoopTimer(self._loop, self.core)
        self._window = RequestWindow()
        self._streams: dict[str, PacketStream] = {}
        """Requests that are still being sent."""
        self._queued: dict[str, QueuedPacket] = {}
        """Requests in one packet that waited for their turn when they were made."""
        self._responses: dict[str, _ResponseSink] = {}
        """Responses that are arriving."""
        self._unsupported_server = False

    def joined(self, server: models.ServerInfo) -> None:
        """Learn what the server can do."""
        self.core.announces_joins = wire.SERVER_ANNOUNCES_JOINS in server.debug_info
        self._unsupported_server = _older_than(server.version, (1, 8, 0))

    async def perform(self, info: RpcCallInfo, *, wait_for_ready: bool = False) -> str:
        """Make one call; the arguments have been checked.

        Cancelling it tells the callee, whose handler is cancelled in turn if it is of this SDK.

        Raises:
            RpcError: every way a call can fail.
        """
        if self._unsupported_server:
            raise RpcError._built_in(_Code.UNSUPPORTED_SERVER)
        now = self._loop.time()
        budget = DEFAULT_RESPONSE_TIMEOUT if info.response_timeout is None else info.response_timeout
        inherited = remaining_budget(now)
        if inherited is not None and inherited < budget:
            budget = inherited
            if budget <= 0:
                raise RpcError._built_in(_Code.RESPONSE_TIMEOUT, reason("deadline_of_handler_passed"))
        latency = info.max_round_trip_latency
        self.core.link_round_trip = self._link_round_trip() or 0.0
        future: asyncio.Future[str] = self._loop.create_future()
        call = self.core.start(
            info.destination_identity,
            info.method,
            info.payload,
            budget=budget,
            ack_latency=DEFAULT_MAX_ROUND_TRIP_LATENCY if latency is None else latency,
            wait_for_ready=wait_for_ready,
            waiter=future,
            now=now,
        )
        self._timer.update()
        try:
            return await future
        except asyncio.CancelledError:
            self.core.cancel(call)
            self._drop_response(call)
            self._release_slot(call)
            raise

    # What the connection brings

    def receive_ack(self, sender: str, ack: models.RpcAck) -> None:
        call = self.core.receive_ack(sender, ack.request_id, self._loop.time())
        if call is not None:
            self._release_slot(call)

    def receive_response(self, sender: str, response: models.RpcResponse) -> None:
        if response.HasField("error"):
            self.core.receive_error(sender, response.request_id, RpcError._from_proto(response.error))
        else:
            self.core.receive_response(sender, response.request_id, response.payload)

    def open_response(self, sender: str, header: models.DataStream.Header) -> StreamSink | None:
        """The reader of a version 2 response; None where nobody waits for it."""
        request_id = header.attributes.get(wire.ATTR_REQUEST_ID, "")
        if request_id in self._responses or not self.core.expects(sender, request_id):
            return None
        sink = self._responses[request_id] = _ResponseSink(self.core, sender, request_id, self._limit)
        return sink

    def peer_changed(self, identity: str) -> None:
        self.core.peer_changed(identity, self._loop.time())
        self._timer.update()

    def peer_left(self, identity: str) -> None:
        self._window.forget(identity)
        self.core.peer_left(identity)

    def peer_restarted(self, identity: str) -> None:
        now = self._loop.time()
        for call in self._window.forget(identity):
            self.core.wait_again(call, now)
        self.core.peer_restarted(identity)
        self._timer.update()

    def set_online(self, online: bool) -> None:
        self.core.set_online(online, self._loop.time())
        self._timer.update()

    def close(self) -> None:
        """The room is not connected any more: pending calls end."""
        self._window.clear()
        self.core.close()
        self._timer.close()

    # CallerOutput

    def send_request(self, call: OutgoingCall) -> None:
        if self._window.enter(call, self._loop.time()):
            try:
                self._transmit(call)
            except BaseException:
                self._release_slot(call)
                raise

    def _transmit(self, call: OutgoingCall) -> None:
        try:
            packets = self._request_packets(call)
            options = SendOptions(on_delivered=partial(self._delivered, call))
            if isinstance(packets, models.DataPacket):
                queued = self._sender.send_packet(packets, options)
                if queued is not None:
                    self._queued[call.request_id] = queued
            else:
                self._streams[call.request_id] = self._sender.send_packets(packets, options)
        except (HeaderTooLargeError, PacketTooLargeError) as error:
            raise RpcError._built_in(_Code.REQUEST_PAYLOAD_TOO_LARGE, reason(str(error))) from error
        except OutboxFullError as error:
            raise RpcError._built_in(_Code.SEND_FAILED, reason("send_queue_full")) from error
        except SessionClosedError as error:
            raise not_connected() from error

    def _transmit_late(self, call: OutgoingCall) -> None:
        """A request that waited for room."""
        self.core.set_timeout(call, self._loop.time())
        try:
            self._transmit(call)
        except Exception as error:  # one in a turn of the loop: each end makes room for the next
            self._loop.call_soon(self._fail, call, error)

    def _fail(self, call: OutgoingCall, error: Exception) -> None:
        """A request that waited could not be sent."""
        self.core.withdraw(call)
        self.settle(call, error)

    def _release_slot(self, call: OutgoingCall) -> None:
        """One request fewer is on its way."""
        for following in self._window.leave(call, self._loop.time()):
            self._transmit_late(following)

    def send_cancel(self, call: OutgoingCall) -> None:
        if self._window.is_waiting(call):
            return  # nobody has heard of it
        queued = self._queued.pop(call.request_id, None)
        if queued is not None and queued.withdraw():
            return
        stream = self._streams.pop(call.request_id, None)
        if stream is not None:
            stream.cancel()
        try:
            self._sender.send_packet(wire.cancel_packet(call.destination, call.request_id, call.request_id))
        except SessionClosedError:
            about = fields(participant=call.destination, call=call.request_id)
            logger.debug("call %s: not connected, so its cancel was not sent", call.request_id, extra=about)

    def settle(self, call: OutgoingCall, outcome: str | Exception) -> None:
        self._drop_response(call)
        queued = self._queued.pop(call.request_id, None)
        if queued is not None:
            queued.withdraw()
        if call.request_id in self._streams:
            self.send_cancel(call)  # it failed while it was being sent: nobody reads the rest
        future = cast("asyncio.Future[str]", call.waiter)
        if not future.done():
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        self._release_slot(call)

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
        """Nobody waits any more: keep nothing of a response that is still arriving."""
        sink = self._responses.pop(call.request_id, None)
        if sink is not None:
            sink.drop()

    def _delivered(self, call: OutgoingCall) -> None:
        self._queued.pop(call.request_id, None)
        self._streams.pop(call.request_id, None)
        self.core.confirmed(call, self._loop.time())
        self._timer.update()


class _ResponseSink:
    """Reads the stream of a version 2 response."""

    def __init__(self, core: Caller, sender: str, request_id: str, limit: int | None) -> None:
        self.limit = limit
        self._core = core
        self._sender = sender
        self._request_id = request_id
        self._content: bytearray | None = bytearray()

    def drop(self) -> None:
        """Keep nothing, now and of what still comes."""
        self._content = None

    def received(self, content: bytes) -> None:
        if self._content is not None:
            self._content += content

    def finished(self, attributes: Mapping[str, str]) -> None:
        if self._content is None:
            return
        try:
            payload = self._content.decode()
        except UnicodeDecodeError:
            self._fail(_Code.APPLICATION_ERROR, "response_not_utf8")
        else:
            self._core.receive_response(self._sender, self._request_id, payload)

    def failed(self, error: IncompleteStreamError) -> None:
        if isinstance(error, StreamTooLongError):
            self._fail(_Code.RESPONSE_PAYLOAD_TOO_LARGE, f"over {self.limit} bytes")
        elif not isinstance(error, SenderLeftError):  # of that the core learns by itself, and knows the code for it
            self._fail(_Code.APPLICATION_ERROR, f"response_incomplete: {error}")

    def _fail(self, code: RpcError.ErrorCode, why: str) -> None:
        self._core.receive_error(self._sender, self._request_id, RpcError._built_in(code, reason(why)))


def not_connected() -> RpcNotConnectedError:
    message = "the room is not connected: await room.connect(...) first"
    return RpcNotConnectedError(_Code.SEND_FAILED, message, reason("not_connected"))


def _older_than(version: str, wanted: tuple[int, ...]) -> bool:
    """Whether a server's version is known to be older; what cannot be read is taken as new."""
    parts = version.split("-", 1)[0].split(".")
    if not all(part.isdecimal() for part in parts):
        return False
    return (*map(int, parts), 0, 0)[: len(wanted)] < wanted
