"""RPC of the local participant: argument checks and interceptors in front of `RpcClient`."""

from __future__ import annotations

import math
from collections.abc import Coroutine

from livekit._util.warn import warn_application

from . import wire
from .client import RpcClient, not_connected
from .errors import RpcArgumentTypeError, RpcError, add_call_note
from .invocation import RpcCallInfo, chain_outgoing
from .registry import RpcRegistry


class LocalRpc:
    """A room's handlers, interceptors and calls. Outlives connections; `client` belongs to the current one."""

    def __init__(self) -> None:
        self.registry = RpcRegistry()
        self.client: RpcClient | None = None

    def perform(self, call: RpcCallInfo, *, wait_for_ready: bool) -> Coroutine[None, None, str]:
        """Make a call inside the interceptors. Awaiting it raises like `LocalParticipant.perform_rpc`.

        Few coroutines, since each call in flight holds them.
        """
        call.request_id = wire.new_request_id()
        perform = self._perform_intercepted if self.registry.interceptors else self._perform
        return perform(call, wait_for_ready=wait_for_ready)

    async def _perform_intercepted(self, call: RpcCallInfo, *, wait_for_ready: bool) -> str:
        check_arguments(call)
        if self.client is None:
            error = not_connected()
            add_call_note(error, call.method, call.destination_identity)
            raise error
        unused_id = call.request_id

        async def terminal(info: RpcCallInfo) -> str:
            nonlocal unused_id
            info.request_id, unused_id = unused_id or wire.new_request_id(), ""  # a callee runs an id only once
            return await self._perform(info, wait_for_ready=wait_for_ready)

        return await chain_outgoing(self.registry.interceptors, terminal)(call)

    async def _perform(self, call: RpcCallInfo, *, wait_for_ready: bool) -> str:
        check_arguments(call)  # again: interceptors may have changed the call
        method, callee = call.method, call.destination_identity
        try:
            if self.client is None:
                raise not_connected()
            return await self.client.perform(call, wait_for_ready=wait_for_ready)
        except RpcError as error:
            add_call_note(error, method, callee)
            raise error.with_traceback(None)  # noqa: B904 - the frames below are ours, and would be kept alive


SUSPICIOUS_SECONDS = 1000
"""From this on, a time was probably meant in milliseconds, as in the JavaScript SDK."""


def check_arguments(call: RpcCallInfo) -> None:
    """Check a call's arguments; warn about times that were probably meant in milliseconds.

    Raises ValueError, which is also a TypeError if a type is wrong.
    """
    texts: list[tuple[str, object]] = [  # the application may be untyped
        ("destination_identity", call.destination_identity),
        ("method", call.method),
        ("payload", call.payload),
    ]
    for name, value in texts:
        if not isinstance(value, str):
            raise RpcArgumentTypeError(f"{name} must be a str, not {type(value).__name__}")
        if not value and name != "payload":
            raise ValueError(f"{name} must not be empty")
    times: list[tuple[str, object]] = [
        ("response_timeout", call.response_timeout),
        ("max_round_trip_latency", call.max_round_trip_latency),
    ]
    for name, seconds in times:
        if seconds is None:
            continue
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise RpcArgumentTypeError(f"{name} must be a number of seconds or None, not {type(seconds).__name__}")
        if not math.isfinite(seconds) or seconds <= 0:
            raise ValueError(f"{name} must be a positive, finite number of seconds, not {seconds}")
        if seconds >= SUSPICIOUS_SECONDS:
            about = f"calling {call.method!r} of {call.destination_identity!r}: {name}={seconds:g}"
            warn_application(f"{about} is in seconds, not milliseconds: {seconds / 60:.0f} minutes")
