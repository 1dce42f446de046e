"""Remote procedure calls between participants.

Read in this order: `caller` and `responder` (the rules, without I/O), `wire` (the packets), `client` and `server`
(the asyncio shells that a room uses).
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
