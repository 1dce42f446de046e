"""RPC of the local participant: argument checks and interceptors in front of `RpcClient`."""

from __future__ import annotations

import math
from collections.abc import Callable

from livekit._util.warn import warn_application

from .client import RpcClient, not_connected
from .errors import RpcArgumentTypeError, RpcError
from .invocation import RpcCallInfo, chain_outgoing
from .registry import RpcRegistry


class LocalRpc:
    """A room's handlers, interceptors and calls. Outlives connections; `client` belongs to the current one."""

    def __init__(self) -> None:
        self.registry = RpcRegistry()
        self.client: RpcClient | None = None

    async def perform(self, call: RpcCallInfo, *, wait_for_ready: bool) -> str:
        """Check the arguments and make the call inside the interceptors. Raises like `LocalParticipant.perform_rpc`."""

        async def terminal(info: RpcCallInfo) -> str:
            check_arguments(info)  # again: interceptors may change the call
            try:
                return await self._connected().perform(info, wait_for_ready=wait_for_ready)
            except RpcError as error:
                _add_note(error, info)
                raise

        if not self.registry.interceptors:
            return await terminal(call)
        check_arguments(call)
        self._connected()
        return await chain_outgoing(self.registry.interceptors, terminal)(call)

    def _connected(self) -> RpcClient:
        if self.client is None:
            raise not_connected()
        return self.client


def _add_note(error: RpcError, call: RpcCallInfo) -> None:
    """Name the call in tracebacks (PEP 678, from Python 3.11 on); `str(error)` stays the message."""
    add_note: Callable[[str], None] | None = getattr(error, "add_note", None)
    if add_note is not None:
        add_note(f"RpcError {error.code} from calling {call.method!r} of {call.destination_identity!r}")


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
            warn_application(f"{name}={seconds:g} is in seconds, not milliseconds: {seconds / 60:.0f} minutes")
