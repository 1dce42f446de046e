"""Call descriptions and types of handlers and interceptors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from .errors import RpcError


@dataclass
class RpcInvocationData:
    """An incoming call as passed to its handler."""

    request_id: str
    """The same at the caller and the callee; use it in logs and traces."""
    caller_identity: str
    """Identity of the caller; equal to the request id if the server itself makes the call."""
    payload: str
    response_timeout: float
    """Timeout in seconds, as sent by the caller."""
    method: str = ""
    cancel_reason: RpcError.ErrorCode | None = None
    """Set just before the handler is cancelled: RESPONSE_TIMEOUT after the deadline, RECIPIENT_DISCONNECTED when the
    room disconnects. None while the handler runs, and when the caller cancelled the call."""

    @property
    def is_from_backend(self) -> bool:
        """True if a backend makes the call through the server (`PerformRpc`), False if a participant does.

        A server names itself by the request id; requests of participants that do so are dropped.
        """
        return self.caller_identity == self.request_id


@dataclass
class RpcCallInfo:
    """An outgoing call as passed to `RpcInterceptor.intercept_outgoing`."""

    destination_identity: str
    method: str
    payload: str
    response_timeout: float | None = None
    """Seconds for the whole call; None for 15."""
    max_round_trip_latency: float | None = None
    """Seconds for the callee to acknowledge; None for 7."""
    request_id: str = field(default="", compare=False)
    """The `request_id` of the callee's `RpcInvocationData`, to match logs, traces and progress messages with the call.

    Set before the interceptors run; changes are ignored. An interceptor that calls `next` again makes another call,
    whose id is set here when it is sent. (Not in the official SDK.)"""


RpcHandler = Callable[[RpcInvocationData], Awaitable[str | None] | str | None]
"""A sync or async handler: returns the response payload (None for an empty one) or raises."""
OutgoingRpcNext = Callable[[RpcCallInfo], Awaitable[str]]
"""Makes the call."""
IncomingRpcNext = Callable[[RpcInvocationData], Awaitable[str | None]]
"""Runs the handler."""


class RpcInterceptor:
    """Wraps calls made (`intercept_outgoing`) and handled (`intercept_incoming`) by a participant.

    Both must return or raise the outcome of `next`, unless they replace it on purpose. The first interceptor added is
    the outermost. They also run for methods without a handler: `next` raises UNSUPPORTED_METHOD then. Interceptors of
    incoming calls run inside the caller's deadline and are cancelled with the handler.
    """

    async def intercept_outgoing(self, call: RpcCallInfo, next: OutgoingRpcNext) -> str:
        """Wrap an outgoing call."""
        return await next(call)

    async def intercept_incoming(self, invocation: RpcInvocationData, next: IncomingRpcNext) -> str | None:
        """Wrap the handler of an incoming call."""
        return await next(invocation)


def chain_outgoing(interceptors: Sequence[RpcInterceptor], terminal: OutgoingRpcNext) -> OutgoingRpcNext:
    """Return `terminal` wrapped in the interceptors."""
    step = terminal
    for interceptor in reversed(interceptors):
        step = _outgoing_step(interceptor, step)
    return step


def chain_incoming(interceptors: Sequence[RpcInterceptor], terminal: IncomingRpcNext) -> IncomingRpcNext:
    """Return `terminal` wrapped in the interceptors."""
    step = terminal
    for interceptor in reversed(interceptors):
        step = _incoming_step(interceptor, step)
    return step


def _outgoing_step(interceptor: RpcInterceptor, inner: OutgoingRpcNext) -> OutgoingRpcNext:
    return lambda call: interceptor.intercept_outgoing(call, inner)


def _incoming_step(interceptor: RpcInterceptor, inner: IncomingRpcNext) -> IncomingRpcNext:
    return lambda invocation: interceptor.intercept_incoming(invocation, inner)
