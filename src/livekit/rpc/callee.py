"""Asyncio shell around `Responder`: runs each handler in a task and sends the answers."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial

from livekit._util.aio import start_task
from livekit.engine.interfaces import PacketSender
from livekit.errors import SessionClosedError
from livekit.options import RpcOptions
from livekit.protocol import models
from livekit.streams.framing import text_stream
from livekit.streams.reassembly import IncompleteStreamError, StreamAbortedError, StreamSink, StreamTooLongError

from . import wire
from .deadline import DeadlineScope, current_invocation, enter_scope
from .errors import RpcError, built_in_error, reason
from .handler_runner import run_handler
from .loop_timer import LoopTimer
from .peer_info import PeerLookup
from .registry import RpcRegistry
from .responder import IncomingCall, IncomingCallState, Responder, ResponderLimits

logger = logging.getLogger("livekit.rpc")

CLOSE_SLICE = 200
"""Calls that are answered, and their handlers cancelled, in one iteration of the event loop when the room disconnects.
"""
STOP_GRACE = 2.0
"""Seconds for cancelled handlers to end when the room disconnects."""

_Code = RpcError.ErrorCode


class RpcCallee:
    """Incoming calls of a connected room."""

    def __init__(self, sender: PacketSender, peers: PeerLookup, registry: RpcRegistry, options: RpcOptions) -> None:
        self._loop = asyncio.get_running_loop()
        self._sender = sender
        self._peers = peers
        self._registry = registry
        self._options = options
        limits = ResponderLimits(
            max_payload_size=options.max_payload_size,
            max_concurrent_calls=options.max_concurrent_calls,
            max_concurrent_calls_per_caller=options.max_concurrent_calls_per_caller,
        )
        self.responder = Responder(self, limits)
        self._timer = LoopTimer(self._loop, self.responder)
        self._tasks: dict[IncomingCall, asyncio.Task[None]] = {}
        self._closed = False
        self.is_abandoned: Callable[[], bool] = lambda: False
        """Returns True if the event loop ends, which cancels all handlers."""

    # Events of the connection

    def receive_request(self, sender: str, request: models.RpcRequest) -> None:
        """Handle a version 1 request."""
        call = self.responder.begin(
            sender,
            request.id,
            request.method,
            request.response_timeout_ms,
            request.version,
            wire.VERSION_1,
            self._loop.time(),
        )
        if call is not None:
            self.responder.payload_received(call, request.payload)
            self._timer.update()

    def open_request(self, sender: str, header: models.DataStream.Header) -> StreamSink | None:
        """Return the sink of a version 2 request, None to refuse one that must not run."""
        request = wire.parse_request_attributes(header)
        call = self.responder.begin(
            sender,
            request.request_id,
            request.method,
            request.timeout_ms,
            request.version,
            wire.VERSION_2,
            self._loop.time(),
        )
        if call is None:
            return None
        self._timer.update()
        return _RequestSink(self.responder, call, self._options.max_payload_size)

    def receive_cancel(self, sender: str, request_id: str) -> None:
        """Handle a cancel: stop the handler without answering."""
        self.responder.receive_cancel(sender, request_id)

    async def close(self) -> None:
        """Answer all running calls with RECIPIENT_DISCONNECTED, cancel their handlers and wait up to `STOP_GRACE`."""
        while not self.responder.close(CLOSE_SLICE):  # noqa: ASYNC110 - yields between slices
            await asyncio.sleep(0)
        if self._closed:
            return
        self._closed = True
        self._timer.close()
        initiator = current_invocation()
        tasks = {task for call, task in self._tasks.items() if call is not initiator}
        if not tasks:
            return
        _, running = await asyncio.wait(tasks, timeout=STOP_GRACE)
        if running:
            logger.warning("%d RPC handlers did not end within %.0f s of being cancelled", len(running), STOP_GRACE)

    # ResponderOutput

    def send_ack(self, call: IncomingCall) -> None:
        """Send an acknowledgement."""
        self._send(wire.ack_packet(call.caller, call.request_id))

    def run(self, call: IncomingCall) -> None:
        """Start the handler's task."""
        task = start_task(self._run_call(call), name=f"livekit rpc {call.invocation.method}")
        task.add_done_callback(partial(self._task_done, call))
        self._tasks[call] = task

    def stop(self, call: IncomingCall) -> None:
        """Cancel the handler's task, unless the handler itself disconnects the room."""
        task = self._tasks.get(call)
        if task is not None and call is not current_invocation():
            task.cancel()

    def send_response(self, call: IncomingCall, payload: str) -> None:
        """Send a success, in the request's version."""
        if call.version == wire.VERSION_1:
            self._send(wire.response_packet(call.caller, call.request_id, payload))
            return
        peer = self._peers.peer(call.caller)
        packets = text_stream(
            payload,
            topic=wire.RESPONSE_TOPIC,
            destinations=[call.caller],
            attributes={wire.ATTR_REQUEST_ID: call.request_id},
            stream_id=wire.new_request_id(),  # uuid.uuid4 takes three times as long
            inline=peer.client_protocol >= wire.PROTOCOL_INLINE_STREAMS,
            deflate=peer.deflate,
            timestamp_ms=time.time_ns() // 1_000_000,
        )
        if isinstance(packets, models.DataPacket):
            self._send(packets)
        else:
            try:
                self._sender.send_packets(packets)
            except SessionClosedError:
                logger.debug(
                    "call %s: not connected, so its response was not sent", call.request_id, extra=call.log_fields
                )

    def send_error(self, call: IncomingCall, error: RpcError) -> None:
        """Send a failure."""
        self._send(wire.error_packet(call.caller, call.request_id, error))

    def _send(self, packet: models.DataPacket) -> None:
        try:
            self._sender.send_packet(packet)
        except SessionClosedError:
            logger.debug("not connected, so a packet to %s was not sent", list(packet.destination_identities))

    async def _run_call(self, call: IncomingCall) -> None:
        scope = DeadlineScope(call.deadline, invocation=call)
        enter_scope(scope)
        try:
            await asyncio.sleep(0)  # the ack is written at the end of this loop iteration, before a handler that blocks
            result: object = await run_handler(self._registry, call.invocation, self._options.slow_handler_warning)
        except RpcError as error:
            self.responder.fail(call, error)
        except asyncio.CancelledError:
            if self.is_abandoned():
                self.responder.fail(call, built_in_error(_Code.RECIPIENT_DISCONNECTED))
            elif call.state is IncomingCallState.RUNNING:
                method = call.invocation.method
                logger.warning("the handler of RPC method %r raised CancelledError", method, extra=call.log_fields)
            self.responder.fail(call, built_in_error(_Code.APPLICATION_ERROR))
        except Exception:
            method, request_id = call.invocation.method, call.request_id
            logger.exception("the handler of RPC method %r failed (call %s)", method, request_id, extra=call.log_fields)
            data = traceback.format_exc() if self._options.expose_errors else None
            self.responder.fail(call, built_in_error(_Code.APPLICATION_ERROR, data))
        else:
            self.responder.finish(call, result)
        finally:
            scope.active = False

    def _task_done(self, call: IncomingCall, task: asyncio.Task[None]) -> None:
        del self._tasks[call]
        if not task.cancelled():
            task.exception()  # only SystemExit and KeyboardInterrupt pass, and have ended the event loop
        self.responder.task_done(call)


class _RequestSink:
    """Receives the stream of a version 2 request. Implements `StreamSink`."""

    def __init__(self, responder: Responder, call: IncomingCall, limit: int | None) -> None:
        self.limit = limit
        self._responder = responder
        self._call = call

    def received(self, content: bytes) -> None:
        """Append content to the payload."""
        self._responder.content_received(self._call, content)

    def finished(self, attributes: Mapping[str, str]) -> None:
        """Run the handler."""
        self._responder.content_complete(self._call)

    def failed(self, error: IncompleteStreamError) -> None:
        """Reject the call; drop one whose stream the caller aborted."""
        if isinstance(error, StreamAbortedError):
            self._responder.abandon(self._call)
        elif isinstance(error, StreamTooLongError):
            self._reject(_Code.REQUEST_PAYLOAD_TOO_LARGE, f"over {self.limit} bytes")
        else:
            self._reject(_Code.APPLICATION_ERROR, f"request_incomplete: {error}")

    def _reject(self, code: RpcError.ErrorCode, why: str) -> None:
        self._responder.reject(self._call, built_in_error(code, reason(why)))
