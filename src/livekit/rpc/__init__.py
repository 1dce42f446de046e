"""Remote procedure calls between participants.

Sans-I/O, without asyncio or a clock: the state machines `caller` and `responder`, and `wire`, `request_window`,
`request_dedup`, `deadline`, `deadline_heap`, `peer_info`, `errors`, `invocation` and `registry`. The asyncio shells are
`client` around `caller` and `callee` around `responder`, with `handler_runner`, `loop_timer`, `local_rpc` and
`loopback`.
"""

from __future__ import annotations

from .deadline import detach_deadline
from .errors import RpcArgumentTypeError, RpcError, RpcNotConnectedError, RpcOverloadedError
from .invocation import (
    IncomingRpcNext,
    OutgoingRpcNext,
    RpcCallInfo,
    RpcHandler,
    RpcInterceptor,
    RpcInvocationData,
)

__all__ = [
    "IncomingRpcNext",
    "OutgoingRpcNext",
    "RpcArgumentTypeError",
    "RpcCallInfo",
    "RpcError",
    "RpcHandler",
    "RpcInterceptor",
    "RpcInvocationData",
    "RpcNotConnectedError",
    "RpcOverloadedError",
    "detach_deadline",
]
