"""Requests that wait for a slot in the request window."""

from __future__ import annotations

import asyncio

import pytest

from livekit.errors import OutboxFullError
from livekit.protocol import models
from livekit.rpc import wire
from livekit.rpc.errors import RpcError
from livekit.rpc.invocation import RpcCallInfo
from livekit.rpc.request_window import RequestWindow
from tests.rpc.core_fixtures import Code, code_and_data, reason_data
from tests.rpc.shell_fixtures import Endpoint, pair, until

SIZE = 3


def silent_bob(size: int = SIZE) -> Endpoint:
    """Return Alice, with a small window, connected to a Bob who acknowledges nothing."""
    alice, _ = pair()
    alice.client._window = RequestWindow(size)
    alice.link.deaf = True
    return alice


def calls(alice: Endpoint, count: int, timeout: float = 5.0) -> list[asyncio.Task[str]]:
    return [
        asyncio.ensure_future(alice.client.perform(RpcCallInfo("bob", "echo", str(number), timeout)))
        for number in range(count)
    ]


def requested(alice: Endpoint) -> list[str]:
    return [packet.stream_header.attributes[wire.ATTR_REQUEST_ID] for packet in alice.link.sent]


async def outcomes(tasks: list[asyncio.Task[str]]) -> set[tuple[int, str | None]]:
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    return {code_and_data(end) for end in ends if isinstance(end, RpcError)}


async def test_an_ack_releases_the_slot() -> None:
    alice = silent_bob()
    tasks = calls(alice, 5)
    await until(lambda: len(alice.link.sent) == SIZE)
    for count in (SIZE + 1, SIZE + 2):
        request_id = requested(alice)[count - SIZE - 1]
        alice.client.receive_ack("mallory", wire.ack_packet("alice", request_id).rpc_ack)
        assert len(alice.link.sent) == count - 1
        alice.client.receive_ack("bob", wire.ack_packet("alice", request_id).rpc_ack)
        assert len(alice.link.sent) == count
    assert len(set(requested(alice))) == 5
    alice.client.close()
    assert await outcomes(tasks) == {(Code.RECIPIENT_DISCONNECTED, reason_data("room_disconnected"))}
    assert len(alice.client._window) == 0


async def test_expired_queued_requests_are_not_sent() -> None:
    alice = silent_bob()
    tasks = calls(alice, 50, timeout=0.05)
    assert await outcomes(tasks) == {
        (Code.RESPONSE_TIMEOUT, reason_data("not_acknowledged")),
        (Code.RESPONSE_TIMEOUT, reason_data("request_not_delivered")),
    }
    kinds = alice.link.kinds()
    assert kinds.count("stream_trailer") <= kinds.count("stream_header") < 50, "cancels only of what was sent"
    assert len(alice.client._window) == 0


async def test_a_cancelled_call_releases_its_slot() -> None:
    alice = silent_bob(1)
    tasks = calls(alice, 3)
    await until(lambda: len(alice.link.sent) == 1)
    tasks[1].cancel()
    tasks[0].cancel()
    await asyncio.wait(tasks[:2])
    assert alice.link.kinds() == ["stream_header", "stream_trailer", "stream_header"], "one cancel, for the one sent"
    alice.client.peer_left("bob")
    assert await outcomes(tasks[2:]) == {(Code.RECIPIENT_DISCONNECTED, None)}
    assert len(alice.client._window) == 0


async def test_a_restarted_peer_gets_the_queued_requests() -> None:
    alice = silent_bob(1)
    tasks = calls(alice, 2)
    await until(lambda: len(alice.link.sent) == 1)
    alice.client.peer_restarted("bob")
    assert len(alice.link.sent) == 1, "the new Bob is not there yet"
    alice.client.peer_changed("bob")
    assert len(set(requested(alice))) == 2
    alice.client.close()
    await asyncio.wait(tasks)


@pytest.mark.parametrize("count", [2, 3_000])
async def test_queued_requests_fail_when_the_session_closes(count: int) -> None:
    alice = silent_bob(1)
    tasks = calls(alice, count)
    await until(lambda: len(alice.link.sent) == 1)
    alice.link.closed = True
    tasks[0].cancel()
    assert await outcomes(tasks[1:]) == {(Code.SEND_FAILED, reason_data("not_connected"))}
    assert len(alice.client._window) == 0


def refuse(*arguments: object) -> None:
    raise ValueError("no key")


async def test_a_request_that_cannot_be_sent_takes_no_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    alice = silent_bob()
    monkeypatch.setattr(alice.link, "send_packet", refuse)
    for _ in range(2 * SIZE):
        with pytest.raises(ValueError, match="no key"):
            await alice.client.perform(RpcCallInfo("bob", "echo", "", 5.0))
    assert len(alice.client._window) == 0


async def test_a_queued_request_that_cannot_be_sent_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    alice = silent_bob(1)
    tasks = calls(alice, 3)
    await until(lambda: len(alice.link.sent) == 1)
    with monkeypatch.context() as patched:
        patched.setattr(alice.link, "send_packet", refuse)
        alice.client.receive_response("bob", models.RpcResponse(request_id=requested(alice)[0], payload="answer"))
        await asyncio.wait(tasks[1:])
    assert await tasks[0] == "answer"
    assert [str(task.exception()) for task in tasks[1:]] == ["no key"] * 2
    assert len(alice.client._window) == len(alice.client.caller) == 0


async def test_an_ack_of_a_hidden_callee_releases_the_slot() -> None:
    alice = silent_bob(1)
    del alice.peers.peers["bob"]  # not listed
    tasks = calls(alice, 2)
    await until(lambda: len(alice.link.sent) == 1)
    alice.client.receive_ack("", wire.ack_packet("alice", alice.link.sent[0].rpc_request.id).rpc_ack)
    assert alice.link.kinds() == ["rpc_request"] * 2
    alice.client.close()
    await asyncio.wait(tasks)


async def test_more_calls_than_slots_all_complete() -> None:
    alice, bob = pair()
    alice.client._window = RequestWindow(SIZE)

    async def echo(invocation: object) -> str:
        await asyncio.sleep(0)
        return "done"

    bob.registry.register("echo", echo, replace=False, executor=None)
    assert await asyncio.gather(*calls(alice, 200)) == ["done"] * 200
    assert len(alice.client._window) == 0


async def test_a_full_send_queue_fails_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    alice = silent_bob()

    def full(*arguments: object, **options: object) -> None:
        raise OutboxFullError("full")

    monkeypatch.setattr(alice.link, "send_packet", full)
    assert await outcomes(calls(alice, 1)) == {(Code.SEND_FAILED, reason_data("send_queue_full"))}
    assert len(alice.client._window) == len(alice.client.caller) == 0
