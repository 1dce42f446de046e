from __future__ import annotations

import dataclasses

import pytest

from livekit.rpc.invocation import (
    IncomingRpcNext,
    OutgoingRpcNext,
    RpcCallInfo,
    RpcInterceptor,
    RpcInvocationData,
    chain_incoming,
    chain_outgoing,
)


class Tagging(RpcInterceptor):
    def __init__(self, tag: str, log: list[str]) -> None:
        self.tag = tag
        self.log = log

    async def intercept_outgoing(self, call: RpcCallInfo, next: OutgoingRpcNext) -> str:
        self.log.append(self.tag)
        answer = await next(dataclasses.replace(call, payload=call.payload + self.tag))
        self.log.append(f"/{self.tag}")
        return answer + self.tag

    async def intercept_incoming(self, invocation: RpcInvocationData, next: IncomingRpcNext) -> str | None:
        self.log.append(self.tag)
        try:
            return f"{await next(invocation)}{self.tag}"
        finally:
            self.log.append(f"/{self.tag}")


CALL = RpcCallInfo("bob", "method", "payload")
INVOCATION = RpcInvocationData("id", "alice", "payload", 1.0)


def test_row_24_the_fields_of_an_invocation() -> None:
    names = [field.name for field in dataclasses.fields(RpcInvocationData)]
    assert names == ["request_id", "caller_identity", "payload", "response_timeout", "method", "cancel_reason"]
    assert (INVOCATION.method, INVOCATION.cancel_reason) == ("", None)


async def test_row_25_the_first_one_added_is_the_outermost() -> None:
    log: list[str] = []

    async def call(info: RpcCallInfo) -> str:
        log.append("call")
        return f"answer to {info.payload}+"

    async def handle(invocation: RpcInvocationData) -> str | None:
        log.append("handler")
        return invocation.payload + "+"

    interceptors = [Tagging("a", log), RpcInterceptor(), Tagging("b", log)]
    assert await chain_outgoing(interceptors, call)(CALL) == "answer to payloadab+ba"
    assert log == ["a", "b", "call", "/b", "/a"]
    log.clear()
    assert await chain_incoming(interceptors, handle)(INVOCATION) == "payload+ba"
    assert log == ["a", "b", "handler", "/b", "/a"]


async def test_row_25_an_interceptor_sees_exceptions() -> None:
    log: list[str] = []

    async def handle(invocation: RpcInvocationData) -> str | None:
        raise LookupError("no such thing")

    with pytest.raises(LookupError):
        await chain_incoming([Tagging("a", log)], handle)(INVOCATION)
    assert log == ["a", "/a"]
