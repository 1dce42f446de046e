"""What handlers and interceptors receive."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from .errors import RpcError


@dataclass
class RpcInvocationData:
    """A call as its handler sees it."""

    request_id: str
    """The same at both ends, for logs and traces."""
    caller_identity: str
    """Identity of the caller. For a call made by the server itself it is the request id."""
    payload: str
    response_timeout: float
    """Seconds the caller said it would wait."""
    method: str = ""
    cancel_reason: RpcError.ErrorCode | None = None
    """Why the handler is being cancelled, set just before: RESPONSE_TIMEOUT when the deadline passed,
    RECIPIENT_DISCONNECTED when the room disconnected; None while it runs and when the caller gave up."""


@dataclass
class RpcCallInfo:
    """A call about to be made, as `RpcInterceptor.intercept_outgoing` sees it."""

    destination_identity: str
    method: str
    payload: str
    response_timeout: float | None = None
    """Seconds; None for 15."""
    max_round_trip_latency: float | None = None
    """Seconds until the callee must have acknowledged; None for 7."""


RpcHandler = Callable[[RpcInvocationData], Awaitable[str | None] | str | None]
"""A handler: sync or async, gives the response payload (None for an empty one) or raises."""
OutgoingRpcNext = Callable[[RpcCallInfo], Awaitable[str]]
"""Makes the call."""
IncomingRpcNext = Callable[[RpcInvocationData], Awaitable[str | None]]
"""Runs the handler."""


class RpcInterceptor:
    """Wraps calls made (`intercept_outgoing`) and handled (`intercept_incoming`) by a participant.

    Both must return or raise what `next` does, unless they mean to replace it. The first one added is the outermost.
    Calls of a method that nobody registered come by too, with `next` raising UNSUPPORTED_METHOD. Interceptors of
    incoming calls run inside the caller's deadline and are cancelled with the handler.
    """

    async def intercept_outgoing(self, call: RpcCallInfo, next: OutgoingRpcNext) -> str:
        return await next(call)

    async def intercept_incoming(self, invocation: RpcInvocationData, next: IncomingRpcNext) -> str | None:
        return await next(invocation)


def chain_outgoing(interceptors: Sequence[RpcInterceptor], terminal: OutgoingRpcNext) -> OutgoingRpcNext:
    """`terminal` inside the interceptors."""
    step = terminal
    for interceptor in reversed(interceptors):
        step = _outgoing_step(interceptor, step)
    return step


def chain_incoming(interceptors: Sequence[RpcInterceptor], terminal: IncomingRpcNext) -> IncomingRpcNext:
    """`terminal` inside the interceptors."""
    step = terminal
    for interceptor in reversed(interceptors):
        step = _incoming_step(interceptor, step)
    return step


def _outgoing_step(interceptor: RpcInterceptor, inner: OutgoingRpcNext) -> OutgoingRpcNext:
    return lambda call: interceptor.intercept_outgoing(call, inner)


def _incoming_step(interceptor: RpcInterceptor, inner: IncomingRpcNext) -> IncomingRpcNext:
    return lambda invocation: interceptor.intercept_incoming(invocation, inner)
