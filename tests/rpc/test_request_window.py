"""Requests that wait for others to be acknowledged."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.protocol import models
from livekit.rpc import wire
from livekit.rpc.caller import OutgoingCall
from livekit.rpc.errors import RpcError
from livekit.rpc.invocation import RpcCallInfo
from livekit.rpc.request_window import RequestWindow
from tests.rpc.core_fixtures import Code, because, why
from tests.rpc.shell_fixtures import Endpoint, pair, until

SIZE = 3


def outgoing(destination: str, number: int) -> OutgoingCall:
    return OutgoingCall(f"{destination} {number}", destination, "", "", 0, 10.0, 0.0, False, None)


def entered(window: RequestWindow, count: int) -> list[OutgoingCall]:
    """So many calls to Bob, all made at 0."""
    calls = [outgoing("bob", number) for number in range(count)]
    for call in calls:
        window.acquire(call, 0.0)
    return calls


def test_the_next_goes_when_one_leaves() -> None:
    window = RequestWindow(2)
    calls = [outgoing("bob", number) for number in range(4)]
    carol = outgoing("carol", 0)
    assert [window.acquire(call, 0.0) for call in calls] == [True, True, False, False]
    assert [window.is_queued(call) for call in calls] == [False, False, True, True]
    assert window.acquire(carol, 0.0), "another participant"
    assert window.release(calls[1], 0.0) == [calls[2]]
    assert not window.release(calls[3], 0.0), "one that waits gives up"
    assert [list(window.release(calls[number], 0.0)) for number in (0, 2, 2)] == [[]] * 3
    assert not window.release(carol, 0.0)
    assert len(window) == 0


def test_a_participant_that_begins_anew_has_none_on_its_way() -> None:
    window = RequestWindow(2)
    calls = entered(window, 5)
    assert window.reset("bob") == calls[2:]
    assert not window.release(calls[0], 0.0)
    assert window.reset("bob") == window.reset("nobody") == []
    assert len(window) == 0


def test_those_whose_time_is_over_do_not_go() -> None:
    window = RequestWindow(2)
    calls = entered(window, 6)
    calls[5].deadline = 5.0
    assert not window.release(calls[0], 5.1), "the newest is about to end"
    assert window.is_queued(calls[5])
    assert window.release(calls[5], 5.2) == [calls[4]]
    assert not window.release(calls[1], 10.0)
    assert all(not window.release(call, 10.0) for call in calls)
    assert len(window) == 0


def test_free_places_do_not_stay_free() -> None:
    window = RequestWindow(3)
    calls = entered(window, 8)
    calls[7].deadline = 5.0
    assert [list(window.release(call, 5.1)) for call in calls[:3]] == [[]] * 3
    assert window.release(calls[7], 5.1) == [calls[6], calls[5], calls[4]]


def test_the_newest_goes_first_while_more_is_asked_for_than_passes() -> None:
    window = RequestWindow(1)
    calls = entered(window, 6)
    assert window.release(calls[0], 5.0) == [calls[1]], "it has as much time left as it has waited"
    assert window.release(calls[1], 5.1) == [calls[5]]
    late = outgoing("bob", 6)
    late.deadline = 15.0
    window.acquire(late, 5.2)
    assert window.release(calls[5], 9.0) == [late]


@given(
    steps=st.lists(st.tuples(st.sampled_from(["enter", "leave", "forget"]), st.sampled_from("ab"), st.integers(0, 9)))
)
def test_each_goes_once_and_in_order(steps: list[tuple[str, str, int]]) -> None:
    window, calls = RequestWindow(SIZE), dict[str, list[OutgoingCall]](a=[], b=[])
    sent, out = dict[str, list[str]](a=[], b=[]), dict[str, set[str]](a=set(), b=set())
    gone = set[str]()

    def goes(*those: OutgoingCall) -> None:
        for call in those:
            sent[call.destination].append(call.request_id)
            out[call.destination].add(call.request_id)

    for what, who, number in steps:
        if what == "enter":
            call = outgoing(who, len(calls[who]))
            calls[who].append(call)
            goes(*[call] if window.acquire(call, 0.0) else [])
        elif what == "leave" and number < len(calls[who]):
            call = calls[who][number]
            out[who].discard(call.request_id)
            gone.add(call.request_id)
            goes(*window.release(call, 0.0))
        elif what == "forget":
            out[who].clear()
            gone.update(call.request_id for call in window.reset(who))
    for who in "ab":
        assert sent[who] == sorted(set(sent[who]), key=lambda request_id: int(request_id[2:]))
        assert len(out[who]) <= SIZE
        waiting = {call.request_id for call in calls[who]} - set(sent[who]) - gone
        assert not waiting or len(out[who]) == SIZE, "nobody waits for nothing"
        assert all(window.is_queued(call) == (call.request_id in waiting) for call in calls[who])


# In a client


def silent_bob(size: int = SIZE) -> Endpoint:
    """Alice, with a small window, and a Bob who acknowledges nothing."""
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
    return {why(end) for end in ends if isinstance(end, RpcError)}


async def test_an_acknowledgement_lets_the_next_one_go() -> None:
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
    assert await outcomes(tasks) == {(Code.RECIPIENT_DISCONNECTED, because("room_disconnected"))}
    assert len(alice.client._window) == 0


async def test_of_those_that_waited_in_vain_nobody_hears() -> None:
    alice = silent_bob()
    tasks = calls(alice, 50, timeout=0.05)
    assert await outcomes(tasks) == {
        (Code.RESPONSE_TIMEOUT, because("not_acknowledged")),
        (Code.RESPONSE_TIMEOUT, because("request_not_delivered")),
    }
    kinds = alice.link.kinds()
    assert kinds.count("stream_trailer") <= kinds.count("stream_header") < 50, "cancels only of what was sent"
    assert len(alice.client._window) == 0


async def test_a_cancelled_call_makes_room() -> None:
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


async def test_who_begins_anew_gets_what_waited() -> None:
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
async def test_those_that_cannot_be_sent_any_more_fail(count: int) -> None:
    alice = silent_bob(1)
    tasks = calls(alice, count)
    await until(lambda: len(alice.link.sent) == 1)
    alice.link.closed = True
    tasks[0].cancel()
    assert await outcomes(tasks[1:]) == {(Code.SEND_FAILED, because("not_connected"))}
    assert len(alice.client._window) == 0


def refuse(packet: object, *_: object) -> None:
    raise ValueError("no key")


async def test_a_request_that_cannot_be_sent_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    alice = silent_bob()
    monkeypatch.setattr(alice.link, "send_packet", refuse)
    for _ in range(2 * SIZE):
        with pytest.raises(ValueError, match="no key"):
            await alice.client.perform(RpcCallInfo("bob", "echo", "", 5.0))
    assert len(alice.client._window) == 0


async def test_a_request_that_cannot_be_sent_later_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_a_callee_whose_name_the_server_hides_makes_room() -> None:
    alice = silent_bob(1)
    del alice.peers.peers["bob"]  # not listed
    tasks = calls(alice, 2)
    await until(lambda: len(alice.link.sent) == 1)
    alice.client.receive_ack("", wire.ack_packet("alice", alice.link.sent[0].rpc_request.id).rpc_ack)
    assert alice.link.kinds() == ["rpc_request"] * 2
    alice.client.close()
    await asyncio.wait(tasks)


async def test_all_answered_in_the_end() -> None:
    alice, bob = pair()
    alice.client._window = RequestWindow(SIZE)

    async def echo(invocation: object) -> str:
        await asyncio.sleep(0)
        return "done"

    bob.registry.register("echo", echo, replace=False, executor=None)
    assert await asyncio.gather(*calls(alice, 200)) == ["done"] * 200
    assert len(alice.client._window) == 0
