from __future__ import annotations

import asyncio
import gc
import time

import pytest

from livekit.errors import SessionClosedError
from livekit.options import RpcOptions
from livekit.protocol import models
from livekit.rpc import wire
from livekit.rpc.client import RpcClient
from livekit.rpc.deadline import DeadlineScope, enter_scope
from livekit.rpc.errors import RpcError, RpcNotConnectedError
from livekit.rpc.invocation import RpcCallInfo, RpcInvocationData
from livekit.rpc.peer_info import PeerInfo
from livekit.streams.framing import text_stream
from tests.rpc.core_fixtures import JOINED, V0, V1, V2, Code, code_and_data, reason_data
from tests.rpc.shell_fixtures import LIMIT, Endpoint, pair, until

DEFLATING = PeerInfo(listed=True, ready=True, client_protocol=2, deflate=True)


def call(payload: str = "", *, timeout: float | None = 5.0, method: str = "echo") -> RpcCallInfo:
    return RpcCallInfo("bob", method, payload, timeout)


async def echo(invocation: RpcInvocationData) -> str:
    return invocation.payload


async def failure(end: Endpoint, info: RpcCallInfo) -> tuple[int, str | None]:
    with pytest.raises(RpcError) as caught:
        await end.client.perform(info)
    return code_and_data(caught.value)


async def until_sent(end: Endpoint, kind: str) -> None:
    await until(lambda: kind in end.link.kinds())


def response(request_id: str, text: str, *, inline: bool = True, deflate: bool = False) -> list[models.DataPacket]:
    packets = text_stream(
        text,
        topic=wire.RESPONSE_TOPIC,
        destinations=["alice"],
        attributes={wire.ATTR_REQUEST_ID: request_id},
        inline=inline,
        deflate=deflate,
        timestamp_ms=0,
    )
    return [packets] if isinstance(packets, models.DataPacket) else list(packets)


@pytest.mark.parametrize(
    ("peer", "size", "kinds"),
    [
        (V0, 15_360, ["rpc_request"]),
        (V1, 10, ["stream_header", "stream_chunk", "stream_trailer"]),
        (V2, 10, ["stream_header"]),
        (V2, 15_000, ["stream_header", "stream_chunk", "stream_trailer"]),
        (V2, 40_000, ["stream_header", *["stream_chunk"] * 3, "stream_trailer"]),
        (DEFLATING, 40_000, ["stream_header"]),
    ],
)
@pytest.mark.parametrize("character", ["x", "😀"])
async def test_requests_match_the_peers_protocol(peer: PeerInfo, size: int, kinds: list[str], character: str) -> None:
    alice, bob = pair(callee=peer, caller=peer)
    bob.registry.register("echo", echo, replace=False, executor=None)
    payload = character * (size // len(character.encode()))
    assert await alice.client.perform(call(payload)) == payload
    assert alice.link.kinds() == kinds
    assert bob.link.kinds()[0] == "rpc_ack"
    headers = [packet.stream_header for link in (alice.link, bob.link) for packet in link.sent]
    assert all(abs(header.timestamp / 1000 - time.time()) < 60 for header in headers if header.stream_id)
    assert len(alice.client.caller) == len(bob.callee.responder) == len(bob.streams) == len(alice.streams) == 0


async def test_answers_of_either_version_are_accepted() -> None:
    alice, _ = pair(callee=V0)
    task = asyncio.ensure_future(alice.client.perform(call()))
    await until_sent(alice, "rpc_request")
    (packet,) = response(alice.link.sent[0].rpc_request.id, "streamed")
    alice.streams.receive_header("bob", packet.stream_header)
    assert await task == "streamed"


async def test_a_response_without_a_value_is_empty() -> None:
    alice, _ = pair(callee=V0)
    task = asyncio.ensure_future(alice.client.perform(call()))
    await until_sent(alice, "rpc_request")
    alice.client.receive_response("bob", models.RpcResponse(request_id=alice.link.sent[0].rpc_request.id))
    assert await task == ""


async def test_row_02_the_default_is_15_seconds_in_total() -> None:
    alice, bob = pair()
    bob.registry.register("echo", echo, replace=False, executor=None)
    await alice.client.perform(call(timeout=None))
    (header,) = (packet.stream_header for packet in alice.link.sent)
    assert header.attributes[wire.ATTR_TIMEOUT_MS] == "15000"


async def test_row_03_a_call_to_a_silent_peer_ends_with_its_budget() -> None:
    alice, _ = pair()
    alice.link.deaf = True
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await failure(alice, call(timeout=0.05)) == (Code.RESPONSE_TIMEOUT, reason_data("not_acknowledged"))
    assert 0.05 <= loop.time() - started < 5.0  # the 250 ms are proved on a virtual clock
    assert alice.link.kinds() == ["stream_header", "stream_trailer"]


async def test_row_04_the_server_rtt_is_used() -> None:
    alice, _ = pair()
    alice.client = RpcClient(alice.link, alice.peers, alice.options, lambda: 0.2)
    alice.client.set_online(True)
    alice.link.deaf = True
    task = asyncio.ensure_future(alice.client.perform(call()))
    await until_sent(alice, "stream_header")
    assert alice.link.sent[0].stream_header.attributes[wire.ATTR_TIMEOUT_MS] == "4900"
    task.cancel()


async def test_row_07_sending_on_a_closed_session() -> None:
    alice, _ = pair()
    alice.link.closed = True
    with pytest.raises(RpcNotConnectedError) as caught:
        await alice.client.perform(call())
    assert code_and_data(caught.value) == (Code.SEND_FAILED, reason_data("not_connected"))
    assert isinstance(caught.value.__cause__, SessionClosedError)


async def test_row_07_calls_wait_while_reconnecting() -> None:
    alice, bob = pair()
    bob.registry.register("echo", echo, replace=False, executor=None)
    alice.client.set_online(False)
    task = asyncio.ensure_future(alice.client.perform(call("later")))
    await asyncio.sleep(0)
    assert alice.link.sent == []
    alice.client.set_online(True)
    assert await task == "later"


async def test_row_18_a_call_waits_for_its_peer_to_be_ready() -> None:
    alice, bob = pair(callee=JOINED)
    bob.registry.register("echo", echo, replace=False, executor=None)
    task = asyncio.ensure_future(alice.client.perform(call("later")))
    await asyncio.sleep(0)
    assert alice.link.sent == []
    alice.peers.peers["bob"] = V2
    alice.client.peer_changed("bob")
    assert await task == "later"


@pytest.mark.parametrize("peer", [V0, V2])
async def test_a_method_that_does_not_fit_into_a_packet(peer: PeerInfo) -> None:
    alice, _ = pair(callee=peer)
    code, data = await failure(alice, call(method="m" * LIMIT))
    assert code == Code.REQUEST_PAYLOAD_TOO_LARGE
    assert data is not None
    assert alice.link.sent == []


async def test_servers_without_rpc() -> None:
    alice, _ = pair()
    alice.client.set_server_info(models.ServerInfo(version="1.7.9"))
    assert (await failure(alice, call()))[0] == Code.UNSUPPORTED_SERVER


@pytest.mark.parametrize("version", ["1.8", "1.8.0", "1.11.0-rc1", "2", "", "unknown", "1.x"])
async def test_servers_with_rpc_or_of_unknown_version(version: str) -> None:
    alice, bob = pair()
    bob.registry.register("echo", echo, replace=False, executor=None)
    alice.client.set_server_info(models.ServerInfo(version=version, debug_info=f"x {wire.SERVER_ANNOUNCES_JOINS}"))
    assert await alice.client.perform(call("hi")) == "hi"
    assert alice.client.caller.timing.announces_joins


# Row 13


async def test_row_13_cancelling_sends_a_cancel() -> None:
    alice, bob = pair()
    seen: list[str] = []
    started = asyncio.Event()

    async def wait(invocation: RpcInvocationData) -> str:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append(f"cancelled {invocation.cancel_reason}")
            raise
        return ""

    bob.registry.register("echo", wait, replace=False, executor=None)
    task = asyncio.ensure_future(alice.client.perform(call()))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: len(bob.callee.responder) == 0)
    assert seen == ["cancelled None"]
    trailer = alice.link.sent[-1].stream_trailer
    request_id = alice.link.sent[0].stream_header.attributes[wire.ATTR_REQUEST_ID]
    assert (trailer.stream_id, wire.cancelled_request_id(trailer)) == (request_id, request_id)
    assert bob.link.kinds() == ["rpc_ack"]


async def test_row_13_a_request_being_sent_is_aborted() -> None:
    alice, bob = pair(callee=V1)
    bob.registry.register("echo", echo, replace=False, executor=None)
    task = asyncio.ensure_future(alice.client.perform(call("x" * 100_000)))
    await until_sent(alice, "stream_chunk")
    alice.link.stalled = True
    task.cancel()
    await asyncio.wait({task})
    alice.link.resume()
    await asyncio.sleep(0)
    assert alice.link.kinds()[-1] == "stream_trailer"
    assert len(alice.link.kinds()) < 9
    assert len(bob.callee.responder) == len(bob.streams) == 0


@pytest.mark.parametrize("ending", ["cancelled", "out of time", "the room ends"])
async def test_row_13_a_queued_request_is_withdrawn(ending: str) -> None:
    alice, _ = pair()
    alice.link.full = True
    budget = 0.01 if ending == "out of time" else None
    task = asyncio.ensure_future(alice.client.perform(call(timeout=budget)))
    await until(lambda: bool(alice.link.held))
    if ending == "cancelled":
        task.cancel()
    elif ending == "the room ends":
        alice.client.close()
    await asyncio.wait({task})
    assert [held.packet for held in alice.link.held] == [None], "no cancel waits in its place"
    assert alice.link.sent == []
    assert alice.client._queued == {}


async def test_a_request_sent_meanwhile_is_cancelled() -> None:
    alice, _ = pair()
    alice.link.full = True
    task = asyncio.ensure_future(alice.client.perform(call()))
    await until(lambda: bool(alice.link.held))
    alice.link.full = False
    alice.link.held[0].packet = None
    task.cancel()
    await asyncio.wait({task})
    assert alice.link.kinds() == ["stream_trailer"]


async def test_a_rejected_request_is_aborted() -> None:
    alice, _ = pair(callee_options=RpcOptions(max_payload_size=20_000))
    assert await failure(alice, call("x" * 200_000)) == (
        Code.REQUEST_PAYLOAD_TOO_LARGE,
        reason_data("over 20000 bytes"),
    )
    for _ in range(30):
        await asyncio.sleep(0)
    assert alice.link.kinds().count("stream_chunk") < 14
    assert alice.link.kinds()[-1] == "stream_trailer"
    assert alice.client._streams == {}


async def test_a_cancel_on_a_closed_session_is_dropped() -> None:
    alice, _ = pair()
    task = asyncio.ensure_future(alice.client.perform(call()))
    await until_sent(alice, "stream_header")
    alice.link.closed = True
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(alice.client.caller) == 0


async def test_row_13_a_cancel_and_an_answer_in_one_turn() -> None:
    alice, _ = pair(callee=V0)
    task = asyncio.ensure_future(alice.client.perform(call()))
    await until_sent(alice, "rpc_request")
    task.cancel()
    request_id = alice.link.sent[0].rpc_request.id
    alice.client.receive_response("bob", models.RpcResponse(request_id=request_id, payload="late"))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(alice.client.caller) == 0


async def test_row_13_an_answer_and_a_cancel_in_one_turn() -> None:
    alice, _ = pair(callee=V0)
    task = asyncio.ensure_future(alice.client.perform(call()))
    await until_sent(alice, "rpc_request")
    request_id = alice.link.sent[0].rpc_request.id
    alice.client.receive_response("bob", models.RpcResponse(request_id=request_id, error=models.RpcError(code=1)))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gc.collect()
    assert alice.link.kinds() == ["rpc_request"]


# Responses as streams


async def pending(alice: Endpoint) -> tuple[asyncio.Future[str], str]:
    task = asyncio.ensure_future(alice.client.perform(call()))
    await until_sent(alice, "stream_header")
    return task, alice.link.sent[0].stream_header.stream_id


async def test_row_14_a_response_over_the_limit() -> None:
    alice, _ = pair(RpcOptions(max_payload_size=1000))
    task, request_id = await pending(alice)
    for packet in response(request_id, "x" * 1001, inline=False):
        packet.participant_identity = "bob"
        alice.receive(packet)
    with pytest.raises(RpcError) as caught:
        await task
    assert code_and_data(caught.value) == (Code.RESPONSE_PAYLOAD_TOO_LARGE, reason_data("over 1000 bytes"))


async def test_row_14_a_deflate_bomb_is_a_response_over_the_limit() -> None:
    alice, _ = pair()
    task, request_id = await pending(alice)
    (packet,) = response(request_id, "x" * 1_000_000, deflate=True)
    packet.stream_header.ClearField("total_length")
    alice.streams.receive_header("bob", packet.stream_header)
    with pytest.raises(RpcError) as caught:
        await task
    assert caught.value.code == Code.RESPONSE_PAYLOAD_TOO_LARGE


async def test_a_response_that_is_not_utf8() -> None:
    alice, _ = pair()
    task, request_id = await pending(alice)
    (packet,) = response(request_id, "xx")
    packet.stream_header.inline_content = b"\xff\xfe"
    alice.streams.receive_header("bob", packet.stream_header)
    with pytest.raises(RpcError) as caught:
        await task
    assert code_and_data(caught.value) == (Code.APPLICATION_ERROR, reason_data("response_not_utf8"))


async def test_a_response_with_a_missing_chunk() -> None:
    alice, _ = pair()
    task, request_id = await pending(alice)
    header, _, *rest = response(request_id, "x" * 40_000, inline=False)
    alice.streams.receive_header("bob", header.stream_header)
    alice.streams.receive_chunk("bob", rest[0].stream_chunk)
    with pytest.raises(RpcError) as caught:
        await task
    assert code_and_data(caught.value) == (
        Code.APPLICATION_ERROR,
        reason_data("response_incomplete: chunk 0 is missing"),
    )


@pytest.mark.parametrize("ending", ["peer leaves", "room closes"])
async def test_row_11_and_28_a_partial_response_does_not_change_the_code(ending: str) -> None:
    alice, _ = pair()
    task, request_id = await pending(alice)
    header, chunk, *_ = response(request_id, "x" * 40_000, inline=False)
    alice.streams.receive_header("bob", header.stream_header)
    alice.streams.receive_chunk("bob", chunk.stream_chunk)
    if ending == "peer leaves":
        alice.streams.sender_left("bob")
        alice.client.caller.peer_left("bob")
    else:
        alice.streams.close()
        alice.client.close()
    with pytest.raises(RpcError) as caught:
        await task
    assert caught.value.code == Code.RECIPIENT_DISCONNECTED


async def test_row_27_only_the_callee_opens_a_response() -> None:
    alice, _ = pair()
    task, request_id = await pending(alice)
    (lie,) = response(request_id, "lie")
    (nothing,) = response("no such call", "lie")
    alice.streams.receive_header("mallory", lie.stream_header)
    alice.streams.receive_header("", lie.stream_header)
    alice.streams.receive_header("bob", nothing.stream_header)
    assert not task.done()
    alice.streams.receive_header("bob", response(request_id, "truth")[0].stream_header)
    assert await task == "truth"


@pytest.mark.parametrize("ending", ["completed", "cancelled"])
async def test_content_of_unwanted_responses_is_discarded(ending: str) -> None:
    alice, _ = pair()
    task, request_id = await pending(alice)
    header, first, second, *rest = response(request_id, "x" * 40_000, inline=False)
    alice.streams.receive_header("bob", header.stream_header)
    again = models.DataStream.Header()
    again.CopyFrom(header.stream_header)
    again.stream_id = "another"
    alice.streams.receive_header("bob", again)
    assert len(alice.streams) == 1
    alice.streams.receive_chunk("bob", first.stream_chunk)
    (sink,) = alice.client._responses.values()
    assert bytes(sink._content or b"") == first.stream_chunk.content
    if ending == "completed":
        alice.client.receive_response("bob", models.RpcResponse(request_id=request_id, payload="short"))
        assert await task == "short"
    else:
        task.cancel()
        await asyncio.wait({task})
    alice.streams.receive_chunk("bob", second.stream_chunk)
    assert not sink._content
    for packet in rest[:-1]:
        alice.streams.receive_chunk("bob", packet.stream_chunk)
    alice.streams.receive_trailer("bob", rest[-1].stream_trailer)
    assert len(alice.streams) == 0
    assert alice.client._responses == {}


# Rows 26 and 28


async def test_row_26_a_call_inside_a_handler_gets_the_remaining_budget() -> None:
    alice, _ = pair()
    alice.link.deaf = True
    loop = asyncio.get_running_loop()

    async def handler(left: float) -> None:
        enter_scope(DeadlineScope(loop.time() + left))
        await alice.client.perform(call(timeout=15.0))

    started = loop.time()
    with pytest.raises(RpcError) as caught:
        await asyncio.create_task(handler(0.05))
    assert caught.value.code == Code.RESPONSE_TIMEOUT
    assert loop.time() - started < 5.0
    sent = len(alice.link.sent)
    with pytest.raises(RpcError) as caught:
        await asyncio.create_task(handler(0.0))
    assert code_and_data(caught.value) == (Code.RESPONSE_TIMEOUT, reason_data("deadline_of_handler_passed"))
    assert len(alice.link.sent) == sent


async def test_row_28_pending_calls_end_when_the_room_does() -> None:
    alice, _ = pair()
    tasks = [asyncio.ensure_future(alice.client.perform(call())) for _ in range(3)]
    await until_sent(alice, "stream_header")
    alice.client.close()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [code_and_data(outcome) for outcome in outcomes if isinstance(outcome, RpcError)] == [
        (Code.RECIPIENT_DISCONNECTED, reason_data("room_disconnected"))
    ] * 3


async def test_row_29_one_timer_and_no_task_for_each_call() -> None:
    alice, _ = pair()
    alice.link.deaf = True
    loop = asyncio.get_running_loop()
    timers: list[float] = []
    call_at = loop.call_at

    def counting(when: float, *args: object, **kwargs: object) -> asyncio.TimerHandle:
        timers.append(when)
        return call_at(when, *args, **kwargs)  # type: ignore[arg-type]

    loop.call_at = counting  # type: ignore[method-assign]
    before = len(asyncio.all_tasks())
    tasks = [asyncio.ensure_future(alice.client.perform(call())) for _ in range(1000)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before + 1000
    assert len(alice.client.caller) == 1000
    assert len(timers) == 1
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert len(alice.client.caller) == 0
