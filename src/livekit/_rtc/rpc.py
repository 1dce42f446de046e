"""Remote procedure calls."""

from __future__ import annotations

from livekit.rpc import IncomingRpcNext, OutgoingRpcNext, RpcCallInfo, RpcError, RpcInterceptor, RpcInvocationData

__all__ = ["IncomingRpcNext", "OutgoingRpcNext", "RpcCallInfo", "RpcError", "RpcInterceptor", "RpcInvocationData"]
