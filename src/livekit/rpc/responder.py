"""Incoming calls, without I/O and without a clock: acknowledge, run at most once, answer exactly once.

    RECEIVING (a stream's payload) → RUNNING → answered

An answered call may still be running: its deadline passed and its handler takes its time to stop.
"""

from __future__ import annotations

import enum
import logging
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from livekit._util.logs import fields
from livekit._util.utf8 import utf8_length

from . import wire
from .deadline_heap import DeadlineHeap
from .errors import OVERLOADED_DATA, RpcError, RpcOverloadedError, reason
from .invocation import RpcInvocationData
from .request_dedup import RequestDedup

RUST_CALLER_ALLOWANCE = 7.0
"""Seconds that callers other than ours take off the timeout they tell (their own round-trip allowance)."""

MAX_ARRIVING = 32 * 1024 * 1024
"""Bytes of one caller's requests that have not come in full; over it, the one that grows is refused as too many calls
are. Room options that allow larger payloads allow more."""

logger = logging.getLogger("livekit.rpc")

_Code = RpcError.ErrorCode


class ServeState(enum.Enum):
    RECEIVING = enum.auto()
    RUNNING = enum.auto()
    ANSWERED = enum.auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponderLimits:
    max_payload_size: int | None = 262_144
    max_concurrent_calls: int | None = None
    max_concurrent_calls_per_caller: int | None = None


@dataclass(slots=True, eq=False)
class IncomingCall:
    """One call being served; times in seconds on the owner's clock."""

    invocation: RpcInvocationData
    version: int
    deadline: float
    """When the caller stops waiting, as far as we can know."""
    state: ServeState = ServeState.RECEIVING
    due: float | None = None
    queued: float = math.inf
    ticket: int = 0
    content: bytearray = field(default_factory=bytearray)
    """While RECEIVING: what has come of the payload."""

    @property
    def request_id(self) -> str:
        return self.invocation.request_id

    @property
    def caller(self) -> str:
        return self.invocation.caller_identity

    @property
    def log_fields(self) -> dict[str, str]:
        """What log records about this call carry."""
        return fields(participant=self.caller, call=self.request_id)


class ResponderOutput(Protocol):
    """What the core asks of its owner."""

    def send_ack(self, call: IncomingCall) -> None: ...

    def run(self, call: IncomingCall) -> None:
        """Start the handler, not before the next turn of the loop; end with `Responder.finish` or `Responder.fail`."""
        ...

    def stop(self, call: IncomingCall) -> None:
        """Cancel the handler; `invocation.cancel_reason` says why."""
        ...

    def send_response(self, call: IncomingCall, payload: str) -> None: ...

    def send_error(self, call: IncomingCall, error: RpcError) -> None: ...


class Responder:
    """All incoming calls of one room."""

    def __init__(self, output: ResponderOutput, limits: ResponderLimits | None = None) -> None:
        self._output = output
        self._limits = limits or ResponderLimits()
        self._calls: dict[tuple[str, str], IncomingCall] = {}
        self._by_caller: Counter[str] = Counter()
        self._arriving: Counter[str] = Counter()
        """Bytes of requests that have not come in full, by caller."""
        self._seen = RequestDedup()
        self._timers: DeadlineHeap[IncomingCall] = DeadlineHeap()
        self._closed = False

    def __len__(self) -> int:
        """Calls that are received or run."""
        return len(self._calls)

    def begin(
        self, caller: str, request_id: str, method: str, timeout_ms: int, version: int, expected: int, now: float
    ) -> IncomingCall | None:
        """A request has come, or the header of one: acknowledge it and see whether it may run.

        Args:
            expected: the version that the way it came by stands for.

        Returns:
            The call, to go on with by `payload_received`; None if it was seen before or has been answered already.
        """
        if not caller or not 0 < len(request_id) <= wire.MAX_REQUEST_ID_LENGTH:
            return None
        if (caller, request_id) in self._calls or not self._seen.add(caller, request_id):
            return None
        told = min(timeout_ms, wire.MAX_TIMEOUT_MS) / 1000
        invocation = RpcInvocationData(request_id, caller, "", told, method)
        exact = wire.is_our_request_id(request_id) or caller == request_id
        call = IncomingCall(invocation, expected, now + told + (0.0 if exact else RUST_CALLER_ALLOWANCE))
        self._output.send_ack(call)
        refusal = self._refusal(caller, version, expected)
        if refusal is not None:
            self._output.send_error(call, refusal)
            return None
        self._calls[caller, request_id] = call
        self._by_caller[caller] += 1
        call.due = call.deadline
        self._timers.add(call)
        return call

    def content_received(self, call: IncomingCall, content: bytes) -> None:
        """A part of the payload has come. Calls that were answered meanwhile keep nothing."""
        if call.state is not ServeState.RECEIVING:
            return
        call.content += content
        self._arriving[call.caller] += len(content)
        limit = self._limits.max_payload_size
        if limit is not None and self._arriving[call.caller] > max(limit, MAX_ARRIVING):
            self.reject(call, RpcOverloadedError._built_in(_Code.APPLICATION_ERROR, OVERLOADED_DATA))

    def content_complete(self, call: IncomingCall) -> None:
        """All parts of the payload have come."""
        try:
            payload = call.content.decode()
        except UnicodeDecodeError:
            self.reject(call, RpcError._built_in(_Code.APPLICATION_ERROR, reason("request_not_utf8")))
        else:
            self.payload_received(call, payload)

    def payload_received(self, call: IncomingCall, payload: str) -> None:
        """The request is complete: run its handler."""
        if call.state is not ServeState.RECEIVING:
            return
        limit = wire.MAX_V1_PAYLOAD_BYTES if call.version == wire.VERSION_1 else self._limits.max_payload_size
        if limit is not None and len(payload) * 4 > limit and utf8_length(payload) > limit:
            self.reject(call, RpcError._built_in(_Code.REQUEST_PAYLOAD_TOO_LARGE, reason(f"over {limit} bytes")))
            return
        self._drop_content(call)
        call.invocation.payload = payload
        call.state = ServeState.RUNNING
        self._output.run(call)

    def reject(self, call: IncomingCall, error: RpcError) -> None:
        """Answer a call that does not run: its payload is too large or cannot be read."""
        if call.state is ServeState.RECEIVING:
            self._output.send_error(call, error)
            self._release(call)

    def abandon(self, call: IncomingCall) -> None:
        """The caller took a request back before it was complete."""
        if call.state is ServeState.RECEIVING:
            self._release(call)

    def finish(self, call: IncomingCall, result: object) -> None:
        """The handler returned."""
        running = call.state is ServeState.RUNNING
        self._release(call)
        if running:
            outcome = self._outcome(call, result)
            if isinstance(outcome, RpcError):
                logger.error("RPC method %r: %s", call.invocation.method, outcome.data, extra=call.log_fields)
                self._output.send_error(call, outcome)
            else:
                self._output.send_response(call, outcome)

    def fail(self, call: IncomingCall, error: RpcError) -> None:
        """The handler raised, or never came to run."""
        running = call.state is ServeState.RUNNING
        self._release(call)
        if running:
            self._answer_error(call, error)

    def ended(self, call: IncomingCall) -> None:
        """The handler's task is over. One that was cancelled before its first step told nothing: its call fails."""
        if (call.caller, call.request_id) in self._calls:
            self.fail(call, RpcError._built_in(_Code.APPLICATION_ERROR))

    def receive_cancel(self, caller: str, request_id: str) -> None:
        """The caller gave up: its handler is stopped and nothing is answered."""
        call = self._calls.get((caller, request_id))
        if call is None or call.state is ServeState.ANSWERED:
            return
        if call.state is ServeState.RECEIVING:
            self._release(call)
            return
        self._answered(call)
        self._output.stop(call)

    def close(self) -> None:
        """The room disconnects: every handler is stopped and its caller told, and so is who calls from now on."""
        self._closed = True
        for call in list(self._calls.values()):
            if call.state is ServeState.ANSWERED:
                continue
            self._output.send_error(call, RpcError._built_in(_Code.RECIPIENT_DISCONNECTED))
            self._stop(call, _Code.RECIPIENT_DISCONNECTED)

    def next_timer(self) -> float | None:
        return self._timers.next()

    def handle_timer(self, now: float) -> None:
        for call in self._timers.pop_due(now):
            self._output.send_error(call, RpcError._built_in(_Code.RESPONSE_TIMEOUT))
            self._stop(call, _Code.RESPONSE_TIMEOUT)

    def _refusal(self, caller: str, version: int, expected: int) -> RpcError | None:
        """Why a call is not to run."""
        if version != expected:
            return RpcError._built_in(_Code.UNSUPPORTED_VERSION)
        if self._closed:
            return RpcError._built_in(_Code.RECIPIENT_DISCONNECTED)
        if self._overloaded(caller):
            return RpcOverloadedError._built_in(_Code.APPLICATION_ERROR, OVERLOADED_DATA)
        return None

    def _overloaded(self, caller: str) -> bool:
        most, most_each = self._limits.max_concurrent_calls, self._limits.max_concurrent_calls_per_caller
        return (most is not None and len(self._calls) >= most) or (
            most_each is not None and self._by_caller[caller] >= most_each
        )

    def _outcome(self, call: IncomingCall, result: object) -> str | RpcError:
        if result is None:
            return ""
        if not isinstance(result, str):
            return RpcError._built_in(_Code.APPLICATION_ERROR, f"the handler returned {type(result).__name__}, not str")
        limit = wire.MAX_V1_PAYLOAD_BYTES if call.version == wire.VERSION_1 else self._limits.max_payload_size
        try:
            size = utf8_length(result)
        except UnicodeEncodeError:
            return RpcError._built_in(_Code.APPLICATION_ERROR, "the handler returned a str that is not valid Unicode")
        if limit is not None and size > limit:
            return RpcError._built_in(_Code.RESPONSE_PAYLOAD_TOO_LARGE, reason(f"over {limit} bytes"))
        return result

    def _answer_error(self, call: IncomingCall, error: RpcError) -> None:
        """Send an error; one that cannot be sent becomes an application error that names what is wrong with it."""
        try:
            self._output.send_error(call, error)
        except Exception as problem:  # its fields may be anything, and a subclass may lack them
            why = f"the handler raised {type(error).__name__} that cannot be sent: {type(problem).__name__}"
            self._output.send_error(call, RpcError._built_in(_Code.APPLICATION_ERROR, why))

    def _stop(self, call: IncomingCall, cause: RpcError.ErrorCode) -> None:
        """Stop a call that has just been answered."""
        if call.state is ServeState.RECEIVING:
            self._release(call)
            return
        self._answered(call)
        call.invocation.cancel_reason = cause
        self._output.stop(call)

    def _answered(self, call: IncomingCall) -> None:
        call.state = ServeState.ANSWERED
        call.due = None
        self._timers.finished(call)

    def _release(self, call: IncomingCall) -> None:
        """Forget a call whose handler has ended or never ran."""
        if self._calls.pop((call.caller, call.request_id), None) is None:
            return
        self._drop_content(call)
        if call.due is not None:
            self._answered(call)
        self._by_caller[call.caller] -= 1
        if not self._by_caller[call.caller]:
            del self._by_caller[call.caller]

    def _drop_content(self, call: IncomingCall) -> None:
        if call.content:
            self._arriving[call.caller] -= len(call.content)
            call.content.clear()
            if not self._arriving[call.caller]:
                del self._arriving[call.caller]
