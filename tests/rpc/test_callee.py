from __future__ import annotations

import asyncio
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from livekit.options import RpcOptions
from livekit.protocol import models
from livekit.rpc import callee as callee_module
from livekit.rpc import wire
from livekit.rpc.deadline import remaining_budget
from livekit.rpc.errors import RpcError, RpcOverloadedError
from livekit.rpc.invocation import RpcCallInfo, RpcHandler, RpcInvocationData
from livekit.streams.framing import text_stream
from tests.rpc.core_fixtures import V0, V1, V2, Code, code_and_data, reason_data
from tests.rpc.shell_fixtures import Endpoint, pair, until


def register(end: Endpoint, handler: RpcHandler, **options: ThreadPoolExecutor) -> None:
    end.registry.register("m", handler, replace=True, executor=options.get("executor"))


async def perform(end: Endpoint, payload: str = "", timeout: float = 5.0) -> str:
    return await end.client.perform(RpcCallInfo("bob", "m", payload, timeout))


async def failure(end: Endpoint, payload: str = "", timeout: float = 5.0) -> tuple[int, str | None]:
    with pytest.raises(RpcError) as caught:
        await perform(end, payload, timeout)
    return code_and_data(caught.value)


async def complete(end: Endpoint) -> None:
    """Wait until no handler runs."""
    await until(lambda: not end.callee._tasks)


def request(request_id: str = "id", timeout_ms: int = 5000) -> models.RpcRequest:
    return models.RpcRequest(id=request_id, method="m", response_timeout_ms=timeout_ms, version=1)


async def test_ack_precedes_the_handler_and_the_answer_follows_it() -> None:
    alice, bob = pair(callee=V0)
    log: list[list[str]] = []
    register(bob, lambda invocation: log.append(bob.link.kinds()))
    await perform(alice)
    assert log == [["rpc_ack"]]
    assert bob.link.kinds() == ["rpc_ack", "rpc_response"]


async def test_row_21_a_handler_starts_after_its_ack_is_written() -> None:
    """Transports write the packets caused by a datagram after the first step of the tasks that it started."""
    alice, bob = pair(callee=V0)
    written: list[str] = []
    seen: list[list[str]] = []
    started = asyncio.Event()

    def handler(invocation: RpcInvocationData) -> None:
        seen.append(list(written))
        started.set()

    register(bob, handler)
    bob.callee.receive_request("alice", request("1"))
    asyncio.get_running_loop().call_soon(lambda: written.extend(bob.link.kinds()))
    await started.wait()
    await complete(bob)
    assert seen == [["rpc_ack"]]
    assert alice.link.kinds() == []


async def test_row_27_the_answer_is_in_the_version_of_the_request() -> None:
    alice, bob = pair(callee=V0, caller=V2)
    register(bob, lambda invocation: "x")
    await perform(alice)
    alice.peers.peers["bob"] = V1
    await perform(alice)
    assert bob.link.kinds() == ["rpc_ack", "rpc_response", "rpc_ack", "stream_header"]


async def test_a_large_response_is_a_stream() -> None:
    alice, bob = pair(caller=V1)
    register(bob, lambda invocation: "ä" * 50_000)
    assert await perform(alice) == "ä" * 50_000
    assert bob.link.kinds().count("stream_chunk") == 7


async def test_row_12_an_unknown_method() -> None:
    alice, _ = pair()
    assert await failure(alice) == (Code.UNSUPPORTED_METHOD, None)


async def test_row_16_a_handler_that_returns_a_non_string() -> None:
    alice, bob = pair()
    register(bob, lambda invocation: {"a": 1})  # type: ignore[arg-type, return-value]
    code, data = await failure(alice)
    assert code == Code.APPLICATION_ERROR
    assert data is not None
    assert "dict" in data


async def test_row_16_an_error_that_cannot_be_sent() -> None:
    alice, bob = pair()

    async def handler(invocation: RpcInvocationData) -> str:
        raise RpcError(-1, "no")

    register(bob, handler)
    assert (await failure(alice))[0] == Code.APPLICATION_ERROR


async def test_row_17_details_of_other_exceptions_are_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    alice, bob = pair()

    def handler(invocation: RpcInvocationData) -> str:
        raise LookupError("secret")

    register(bob, handler)
    with pytest.raises(RpcError) as caught:
        await perform(alice)
    assert (*code_and_data(caught.value), caught.value.message) == (
        Code.APPLICATION_ERROR,
        None,
        "Application error in method handler",
    )
    assert not any("secret" in str(packet) for packet in bob.link.sent)
    (record,) = (record for record in caplog.records if record.exc_info)
    assert "LookupError" in caplog.text
    assert "'m'" in record.getMessage()


async def test_an_application_error_reaches_the_caller() -> None:
    alice, bob = pair()

    def handler(invocation: RpcInvocationData) -> str:
        raise RpcError(4711, "no", "data")

    register(bob, handler)
    assert await failure(alice) == (4711, "data")


async def test_a_handler_that_raises_cancelled_error_itself(caplog: pytest.LogCaptureFixture) -> None:
    alice, bob = pair()

    async def handler(invocation: RpcInvocationData) -> str:
        raise asyncio.CancelledError

    register(bob, handler)
    assert (await failure(alice))[0] == Code.APPLICATION_ERROR
    assert "raised CancelledError" in caplog.text


async def test_row_05_a_deadline_cancels_the_handler() -> None:
    _, bob = pair()
    reasons: list[object] = []

    async def handler(invocation: RpcInvocationData) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            reasons.append(invocation.cancel_reason)
        return ""

    register(bob, handler)
    bob.callee.receive_request("alice", request(wire.new_request_id(), timeout_ms=20))
    await asyncio.sleep(0)
    await complete(bob)
    assert reasons == [Code.RESPONSE_TIMEOUT]
    assert bob.link.sent[-1].rpc_response.error.code == Code.RESPONSE_TIMEOUT


@pytest.mark.parametrize("parts", [False, True])
async def test_row_13_a_cancel_received_with_the_request(parts: bool) -> None:
    alice, bob = pair(RpcOptions(max_concurrent_calls=1), callee=V1 if parts else V0)
    ran: list[str] = []
    register(bob, lambda invocation: ran.append(invocation.request_id))
    bob.callee.receive_request("alice", request("first"))
    bob.callee.receive_cancel("alice", "first")
    await complete(bob)
    await asyncio.sleep(0)
    assert ran == []
    assert bob.link.kinds() == ["rpc_ack"]
    assert len(bob.callee.responder) == 0
    assert await perform(alice) == ""


async def test_row_14_a_request_announced_over_the_limit_is_rejected_at_its_header() -> None:
    alice, bob = pair(callee_options=RpcOptions(max_payload_size=100))
    assert await failure(alice, "x" * 101) == (Code.REQUEST_PAYLOAD_TOO_LARGE, reason_data("over 100 bytes"))
    assert len(bob.callee.responder) == len(bob.streams) == 0


async def test_row_14_a_request_that_exceeds_the_limit_is_rejected() -> None:
    _, bob = pair(callee_options=RpcOptions(max_payload_size=20_000))
    packets = list(stream("x" * 40_000))
    packets[0].stream_header.ClearField("total_length")
    for packet in packets:
        packet.participant_identity = "alice"
        bob.receive(packet)
    assert [packet.WhichOneof("value") for packet in bob.link.sent] == ["rpc_ack", "rpc_response"]
    assert bob.link.sent[1].rpc_response.error.code == Code.REQUEST_PAYLOAD_TOO_LARGE


def stream(text: str, request_id: str = "id") -> list[models.DataPacket]:
    packets = text_stream(
        text,
        topic=wire.REQUEST_TOPIC,
        destinations=["bob"],
        attributes=wire.request_attributes(request_id, "m", 5000),
        stream_id=request_id,
        timestamp_ms=0,
    )
    assert not isinstance(packets, models.DataPacket)
    return list(packets)


async def test_a_request_with_a_missing_chunk_is_rejected() -> None:
    _, bob = pair()
    header, _, *rest = stream("x" * 40_000)
    for packet in (header, rest[0]):
        packet.participant_identity = "alice"
        bob.receive(packet)
    error = bob.link.sent[1].rpc_response.error
    assert (error.code, error.data) == (Code.APPLICATION_ERROR, reason_data("request_incomplete: chunk 0 is missing"))


async def test_a_request_whose_sender_leaves_is_dropped() -> None:
    _, bob = pair()
    packet = stream("x" * 40_000)[0]
    packet.participant_identity = "alice"
    bob.receive(packet)
    bob.streams.sender_left("alice")
    assert len(bob.callee.responder) == 0
    assert bob.link.kinds() == ["rpc_ack"]


async def test_row_27_a_duplicate_request_runs_once() -> None:
    _, bob = pair()
    ran: list[str] = []
    register(bob, lambda invocation: ran.append(invocation.request_id))
    for _ in range(2):
        bob.callee.receive_request("alice", request())
        for packet in stream("text"):
            packet.participant_identity = "alice"
            bob.receive(packet)
        await complete(bob)
    assert ran == ["id"]
    assert bob.link.kinds() == ["rpc_ack", "rpc_response"]


async def test_row_26_the_deadline_applies_only_inside_the_handler() -> None:
    alice, bob = pair()
    seen: list[float | None] = []
    left_behind: list[asyncio.Task[None]] = []
    ended = asyncio.Event()

    async def look_later() -> None:
        await ended.wait()
        seen.append(remaining_budget(asyncio.get_running_loop().time()))

    async def handler(invocation: RpcInvocationData) -> None:
        seen.append(remaining_budget(asyncio.get_running_loop().time()))
        left_behind.append(asyncio.create_task(look_later()))

    register(bob, handler)
    await perform(alice, timeout=5.0)
    await complete(bob)
    ended.set()
    await left_behind[0]
    inside, after = seen
    assert inside is not None
    assert 4.0 < inside <= 5.0
    assert after is None


async def test_row_28_closing_cancels_handlers_and_answers_their_callers() -> None:
    alice, bob = pair()
    reasons: list[object] = []
    started = asyncio.Event()

    async def handler(invocation: RpcInvocationData) -> str:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            reasons.append(invocation.cancel_reason)
        return ""

    register(bob, handler)
    task = asyncio.ensure_future(perform(alice))
    await started.wait()
    await bob.callee.close()
    await bob.callee.close()
    with pytest.raises(RpcError) as caught:
        await task
    assert caught.value.code == Code.RECIPIENT_DISCONNECTED
    assert reasons == [Code.RECIPIENT_DISCONNECTED]
    assert len(bob.callee.responder) == 0
    assert (await failure(alice))[0] == Code.RECIPIENT_DISCONNECTED


async def test_row_28_waiting_for_a_stuck_handler_is_bounded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert callee_module.STOP_GRACE == 2.0
    monkeypatch.setattr(callee_module, "STOP_GRACE", 0.02)
    alice, bob = pair()
    release, started = asyncio.Event(), asyncio.Event()

    async def stubborn(invocation: RpcInvocationData) -> str:
        started.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                pass
        return "too late"

    register(bob, stubborn)
    task = asyncio.ensure_future(perform(alice))
    await started.wait()
    await bob.callee.close()
    assert "1 RPC handlers did not end" in caplog.text
    release.set()
    await complete(bob)
    with pytest.raises(RpcError):
        await task
    assert bob.link.kinds() == ["rpc_ack", "rpc_response"]


async def test_row_28_a_handler_may_close_its_own_room() -> None:
    alice, bob = pair()
    closed: list[bool] = []

    async def handler(invocation: RpcInvocationData) -> str:
        await bob.callee.close()
        await asyncio.sleep(0)
        closed.append(True)
        return "never sent"

    register(bob, handler)
    assert (await failure(alice))[0] == Code.RECIPIENT_DISCONNECTED
    await complete(bob)
    assert closed == [True]


async def test_row_30_over_the_limit_the_caller_gets_a_typed_error() -> None:
    alice, bob = pair(callee_options=RpcOptions(max_concurrent_calls_per_caller=1))
    release, started = asyncio.Event(), asyncio.Event()

    async def handler(invocation: RpcInvocationData) -> str:
        started.set()
        await release.wait()
        return ""

    register(bob, handler)
    first = asyncio.ensure_future(perform(alice))
    await started.wait()
    with pytest.raises(RpcOverloadedError) as caught:
        await perform(alice)
    assert json.loads(caught.value.data or "") == {"reason": "overloaded"}
    release.set()
    assert await first == ""


async def test_answers_on_a_closed_session_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "livekit.rpc")
    _, bob = pair(caller=V1)
    register(bob, lambda invocation: "x" * 20_000)
    for packet in stream("text"):
        packet.participant_identity = "alice"
        bob.receive(packet)
    bob.link.closed = True
    await complete(bob)
    bob.callee.receive_request("alice", request("another"))
    await complete(bob)
    assert bob.link.kinds() == ["rpc_ack"]
    assert "its response was not sent" in caplog.text


async def test_row_21_a_sync_handler_in_a_thread() -> None:
    alice, bob = pair()
    with ThreadPoolExecutor(1) as executor:
        register(bob, lambda invocation: str(threading.get_ident()), executor=executor)
        assert await perform(alice) != str(threading.get_ident())


async def test_row_29_one_timer_for_all_handlers() -> None:
    _, bob = pair()
    loop = asyncio.get_running_loop()
    timers: list[float] = []
    call_at = loop.call_at

    def counting(when: float, *args: object, **kwargs: object) -> asyncio.TimerHandle:
        timers.append(when)
        return call_at(when, *args, **kwargs)  # type: ignore[arg-type]

    loop.call_at = counting  # type: ignore[method-assign]
    waiting = asyncio.Event()

    async def handler(invocation: RpcInvocationData) -> None:
        await waiting.wait()

    register(bob, handler)
    for number in range(1000):
        bob.callee.receive_request("alice", request(str(number)))
    assert len(timers) == 1
    assert len(bob.callee.responder) == len(bob.callee._tasks) == 1000
    waiting.set()
    await complete(bob)
    assert len(bob.callee.responder) == 0
