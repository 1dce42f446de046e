"""State machine of incoming calls: acknowledge, run at most once, answer exactly once. No I/O, no clock.

    RECEIVING (the payload) → RUNNING → ANSWERED

The handler of an answered call may still run: the call's deadline passed, and the handler is slow to stop.
"""

from __future__ import annotations

import enum
import logging
import math
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Protocol, cast

from livekit._util.logs import fields
from livekit._util.utf8 import utf8_length

from . import wire
from .deadline_heap import DeadlineHeap
from .errors import RpcError, built_in_error, overloaded_error, reason
from .invocation import RpcInvocationData
from .request_dedup import RequestDedup

RUST_CALLER_ALLOWANCE = 7.0
"""Seconds that Rust-based callers subtract from the timeout they send, as an allowance for the round trip.

It is added for all foreign callers: livekit-client sends its whole timeout, and no request names its caller's SDK."""

MAX_BUFFERED_BYTES = 32 * 1024 * 1024
"""Bytes buffered for one caller's incomplete requests. The request that exceeds this is rejected as overload. A larger
`max_payload_size` raises the limit to one payload."""

logger = logging.getLogger("livekit.rpc")

_Code = RpcError.ErrorCode


class IncomingCallState(enum.Enum):
    """The states of an incoming call, in order."""

    RECEIVING = enum.auto()
    RUNNING = enum.auto()
    ANSWERED = enum.auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponderLimits:
    """Limits of a `Responder`; None for no limit."""

    max_payload_size: int | None = 262_144
    """UTF-8 bytes per version 2 request or response."""
    max_concurrent_calls: int | None = None
    """Calls received or running in the room."""
    max_concurrent_calls_per_caller: int | None = None
    """Calls received or running of one caller."""


@dataclass(slots=True, eq=False)
class IncomingCall:
    """One call. Times are in seconds on the shell's clock."""

    invocation: RpcInvocationData
    version: int
    deadline: float
    """The time at which the caller stops waiting, as derived from the request."""
    state: IncomingCallState = IncomingCallState.RECEIVING
    due: float | None = None
    """The deadline, until the call is answered; None from then on."""
    entry_due: float = math.inf
    entry_id: int = 0
    content: bytearray = field(default_factory=bytearray)
    """While RECEIVING: the payload so far."""

    @property
    def request_id(self) -> str:
        """The id chosen by the caller."""
        return self.invocation.request_id

    @property
    def caller(self) -> str:
        """Identity of the caller."""
        return self.invocation.caller_identity

    @property
    def log_fields(self) -> dict[str, str]:
        """Structured fields for log records about this call."""
        return fields(participant=self.caller, call=self.request_id)


class ResponderOutput(Protocol):
    """Actions that the core requests of its shell."""

    def send_ack(self, call: IncomingCall) -> None:
        """Send an acknowledgement."""
        ...

    def run(self, call: IncomingCall) -> None:
        """Start the handler on the next loop iteration or later; report its end by `Responder.finish` or `fail`."""
        ...

    def stop(self, call: IncomingCall) -> None:
        """Cancel the handler; `invocation.cancel_reason` is set."""
        ...

    def send_response(self, call: IncomingCall, payload: str) -> None:
        """Send a success, in the request's version."""
        ...

    def send_error(self, call: IncomingCall, error: RpcError) -> None:
        """Send a failure."""
        ...


class Responder:
    """All incoming calls of one room."""

    def __init__(self, output: ResponderOutput, limits: ResponderLimits | None = None) -> None:
        self._output = output
        self._limits = limits or ResponderLimits()
        self._in_flight: dict[tuple[str, str], IncomingCall] = {}
        self._calls_per_caller: Counter[str] = Counter()
        self._buffered: Counter[str] = Counter()
        """Bytes of incomplete requests, by caller."""
        self._dedup = RequestDedup()
        self._deadlines: DeadlineHeap[IncomingCall] = DeadlineHeap()
        self._unclosed: deque[IncomingCall] | None = None
        """Once closed: the calls that may have to be answered because of it."""

    def __len__(self) -> int:
        """Return the number of calls received or running."""
        return len(self._in_flight)

    def begin(
        self, caller: str, request_id: str, method: str, timeout_ms: int, version: int, carrier_version: int, now: float
    ) -> IncomingCall | None:
        """Handle a request, or the header of one: acknowledge it and check whether it may run.

        Args:
            version: the version that the request names.
            carrier_version: the version that its carrier implies: 1 for a packet, 2 for a stream.

        Returns:
            The call, to be continued by `payload_received`; None if it is a duplicate, invalid or was rejected.
        """
        if not caller or not 0 < len(request_id) <= wire.MAX_REQUEST_ID_LENGTH:
            return None
        if (caller, request_id) in self._in_flight or not self._dedup.add(caller, request_id):
            return None
        timeout = min(timeout_ms, wire.MAX_TIMEOUT_MS) / 1000
        invocation = RpcInvocationData(request_id, caller, "", timeout, method)
        exact = wire.is_our_request_id(request_id) or caller == request_id
        call = IncomingCall(invocation, carrier_version, now + timeout + (0.0 if exact else RUST_CALLER_ALLOWANCE))
        self._output.send_ack(call)
        rejection = self._rejection(caller, version, carrier_version)
        if rejection is not None:
            self._output.send_error(call, rejection)
            return None
        self._in_flight[caller, request_id] = call
        self._calls_per_caller[caller] += 1
        call.due = call.deadline
        self._deadlines.add(call)
        return call

    def content_received(self, call: IncomingCall, content: bytes) -> None:
        """Append to the payload, unless the call has been answered."""
        if call.state is not IncomingCallState.RECEIVING:
            return
        call.content += content
        self._buffered[call.caller] += len(content)
        limit = self._limits.max_payload_size
        if limit is not None and self._buffered[call.caller] > max(limit, MAX_BUFFERED_BYTES):
            self.reject(call, overloaded_error())

    def content_complete(self, call: IncomingCall) -> None:
        """Decode the complete payload and run the handler."""
        try:
            payload = call.content.decode()
        except UnicodeDecodeError:
            self.reject(call, built_in_error(_Code.APPLICATION_ERROR, reason("request_not_utf8")))
        else:
            self.payload_received(call, payload)

    def payload_received(self, call: IncomingCall, payload: str) -> None:
        """Run the handler of a complete request."""
        if call.state is not IncomingCallState.RECEIVING:
            return
        limit = wire.MAX_V1_PAYLOAD_BYTES if call.version == wire.VERSION_1 else self._limits.max_payload_size
        if limit is not None and len(payload) * 4 > limit and utf8_length(payload) > limit:
            self.reject(call, built_in_error(_Code.REQUEST_PAYLOAD_TOO_LARGE, reason(f"over {limit} bytes")))
            return
        self._drop_content(call)
        call.invocation.payload = payload
        call.state = IncomingCallState.RUNNING
        self._output.run(call)

    def reject(self, call: IncomingCall, error: RpcError) -> None:
        """Answer a call that cannot run because of its payload."""
        if call.state is IncomingCallState.RECEIVING:
            self._output.send_error(call, error)
            self._remove(call)

    def abandon(self, call: IncomingCall) -> None:
        """Drop an incomplete request whose stream the caller aborted."""
        if call.state is IncomingCallState.RECEIVING:
            self._remove(call)

    def finish(self, call: IncomingCall, result: object) -> None:
        """Answer with the handler's result."""
        running = call.state is IncomingCallState.RUNNING
        self._remove(call)
        if running:
            outcome = self._checked_result(call, result)
            if isinstance(outcome, RpcError):
                logger.error("RPC method %r: %s", call.invocation.method, outcome.data, extra=call.log_fields)
                self._output.send_error(call, outcome)
            else:
                self._output.send_response(call, outcome)

    def fail(self, call: IncomingCall, error: RpcError) -> None:
        """Answer with the handler's error."""
        running = call.state is IncomingCallState.RUNNING
        self._remove(call)
        if running:
            self._answer_error(call, error)

    def task_done(self, call: IncomingCall) -> None:
        """Fail the call if its task ended without a result: it was cancelled before its first step."""
        if (call.caller, call.request_id) in self._in_flight:
            self.fail(call, built_in_error(_Code.APPLICATION_ERROR))

    def receive_cancel(self, caller: str, request_id: str) -> None:
        """Handle a cancel: stop the handler without answering."""
        call = self._in_flight.get((caller, request_id))
        if call is None or call.state is IncomingCallState.ANSWERED:
            return
        if call.state is IncomingCallState.RECEIVING:
            self._remove(call)
            return
        self._mark_answered(call)
        self._output.stop(call)

    def close(self, limit: int | None = None) -> bool:
        """Answer all calls, or the `limit` oldest, with RECIPIENT_DISCONNECTED, and stop their handlers.

        Later calls are answered alike. Return True if none is left.
        """
        if self._unclosed is None:
            self._unclosed = deque(self._in_flight.values())
        unclosed, limit = self._unclosed, len(self._unclosed) if limit is None else limit
        while unclosed and limit:
            call = unclosed.popleft()
            if call.due is not None:
                self._output.send_error(call, built_in_error(_Code.RECIPIENT_DISCONNECTED))
                self._stop(call, _Code.RECIPIENT_DISCONNECTED)
                limit -= 1
        return not unclosed

    def next_timer(self) -> float | None:
        """Return when `handle_timer` must be called next, None if no call is pending."""
        return self._deadlines.next()

    def handle_timer(self, now: float) -> None:
        """Answer the calls whose deadline has passed with RESPONSE_TIMEOUT, and stop their handlers."""
        for call in self._deadlines.pop_due(now):
            self._output.send_error(call, built_in_error(_Code.RESPONSE_TIMEOUT))
            self._stop(call, _Code.RESPONSE_TIMEOUT)

    def _rejection(self, caller: str, version: int, carrier_version: int) -> RpcError | None:
        """Return the error for a call that must not run, None if it may."""
        if version != carrier_version:
            return built_in_error(_Code.UNSUPPORTED_VERSION)
        if self._unclosed is not None:
            return built_in_error(_Code.RECIPIENT_DISCONNECTED)
        if self._overloaded(caller):
            return overloaded_error()
        return None

    def _overloaded(self, caller: str) -> bool:
        limit, limit_per_caller = self._limits.max_concurrent_calls, self._limits.max_concurrent_calls_per_caller
        return (limit is not None and len(self._in_flight) >= limit) or (
            limit_per_caller is not None and self._calls_per_caller[caller] >= limit_per_caller
        )

    def _checked_result(self, call: IncomingCall, result: object) -> str | RpcError:
        """Return the response payload, or the error for a result that cannot be sent."""
        if result is None:
            return ""
        if type(result) is str:
            payload = result
        elif issubclass(type(result), str):  # isinstance would run the object's own code
            payload = str.__str__(cast("str", result))  # a subclass may override any method
        else:
            return built_in_error(_Code.APPLICATION_ERROR, f"the handler returned {_type_name(result)}, not str")
        limit = wire.MAX_V1_PAYLOAD_BYTES if call.version == wire.VERSION_1 else self._limits.max_payload_size
        try:
            size = utf8_length(payload)
        except UnicodeEncodeError:
            return built_in_error(_Code.APPLICATION_ERROR, "the handler returned a str that is not valid Unicode")
        if limit is not None and size > limit:
            return built_in_error(_Code.RESPONSE_PAYLOAD_TOO_LARGE, reason(f"over {limit} bytes"))
        return payload

    def _answer_error(self, call: IncomingCall, error: RpcError) -> None:
        """Send an error. One that cannot be serialized is replaced by APPLICATION_ERROR with its type and the cause."""
        try:
            self._output.send_error(call, error)
        except Exception as problem:  # the fields may have any type, and a subclass may lack them
            why = f"the handler raised {_type_name(error)} that cannot be sent: {_type_name(problem)}"
            self._output.send_error(call, built_in_error(_Code.APPLICATION_ERROR, why))

    def _stop(self, call: IncomingCall, cause: RpcError.ErrorCode) -> None:
        """Stop the handler of a call that has just been answered."""
        if call.state is IncomingCallState.RECEIVING:
            self._remove(call)
            return
        self._mark_answered(call)
        call.invocation.cancel_reason = cause
        self._output.stop(call)

    def _mark_answered(self, call: IncomingCall) -> None:
        call.state = IncomingCallState.ANSWERED
        call.due = None
        self._deadlines.remove(call)

    def _remove(self, call: IncomingCall) -> None:
        """Remove a call whose handler has ended or never ran."""
        if self._in_flight.pop((call.caller, call.request_id), None) is None:
            return
        self._drop_content(call)
        if call.due is not None:
            self._mark_answered(call)
        self._calls_per_caller[call.caller] -= 1
        if not self._calls_per_caller[call.caller]:
            del self._calls_per_caller[call.caller]

    def _drop_content(self, call: IncomingCall) -> None:
        if call.content:
            self._buffered[call.caller] -= len(call.content)
            call.content.clear()
            if not self._buffered[call.caller]:
                del self._buffered[call.caller]


def _type_name(value: object) -> str:
    """Return the name of the value's type, even if a metaclass overrides `__name__`."""
    name: str = vars(type)["__name__"].__get__(type(value))
    return name
