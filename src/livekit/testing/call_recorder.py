"""Recording of the calls that a room makes and receives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livekit._room.rpc_access import add_rpc_interceptor
from livekit.room import Room
from livekit.rpc import IncomingRpcNext, OutgoingRpcNext, RpcCallInfo, RpcInterceptor, RpcInvocationData

__all__ = ["CallRecorder", "RecordedCall", "record_calls"]


@dataclass(kw_only=True)
class RecordedCall:
    """A recorded call."""

    method: str
    payload: str
    peer: str
    """Identity of the caller of a received call, or of the callee of a call made."""
    outcome: str | BaseException | None = None
    """The response, or the exception raised; None while the call is pending. A cancelled handler has
    `asyncio.CancelledError`."""


class CallRecorder(RpcInterceptor):
    """Interceptor that records calls in the order in which they start."""

    def __init__(self) -> None:
        self.received: list[RecordedCall] = []
        """Calls received by this room, including those of unregistered methods."""
        self.made: list[RecordedCall] = []
        """Calls made by this room."""

    async def intercept_incoming(self, invocation: RpcInvocationData, next: IncomingRpcNext) -> str | None:
        call = RecordedCall(method=invocation.method, payload=invocation.payload, peer=invocation.caller_identity)
        self.received.append(call)
        try:
            response = await next(invocation)
        except BaseException as error:
            call.outcome = error
            raise
        call.outcome = "" if response is None else response
        return response

    async def intercept_outgoing(self, call: RpcCallInfo, next: OutgoingRpcNext) -> str:
        recorded = RecordedCall(method=call.method, payload=call.payload, peer=call.destination_identity)
        self.made.append(recorded)
        try:
            recorded.outcome = await next(call)
        except BaseException as error:
            recorded.outcome = error
            raise
        return recorded.outcome

    def assert_received(
        self, method: str, *, payload: str | None = None, caller: str | None = None, times: int | None = None
    ) -> None:
        """Raise AssertionError unless a matching call was received `times` times, or at least once by default."""
        _assert_calls("received", self.received, method, payload, caller, times)

    def assert_made(
        self, method: str, *, payload: str | None = None, callee: str | None = None, times: int | None = None
    ) -> None:
        """Raise AssertionError unless a matching call was made `times` times, or at least once by default."""
        _assert_calls("made", self.made, method, payload, callee, times)


def record_calls(room: Room) -> CallRecorder:
    """Record the calls of `room` from now on; also before it connects."""
    recorder = CallRecorder()
    add_rpc_interceptor(room, recorder)
    return recorder


def _assert_calls(
    verb: str, calls: Sequence[RecordedCall], method: str, payload: str | None, peer: str | None, times: int | None
) -> None:
    __tracebackhide__ = True
    found = [
        call
        for call in calls
        if call.method == method and payload in (None, call.payload) and peer in (None, call.peer)
    ]
    if len(found) == times or (times is None and found):
        return
    wanted = ", ".join(
        [
            repr(method),
            *(f"{name} {value!r}" for name, value in (("payload", payload), ("peer", peer)) if value is not None),
        ]
    )
    often = "at least once" if times is None else f"{times} times"
    seen = "".join(f"\n  {call.method!r}, payload {call.payload!r}, peer {call.peer!r}" for call in calls) or " none"
    raise AssertionError(
        f"expected a call of {wanted} to be {verb} {often}, not {len(found)} times; calls {verb}:{seen}"
    )
