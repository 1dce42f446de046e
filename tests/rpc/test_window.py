"""Requests that wait for others to be acknowledged."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.rpc import wire
from livekit.rpc.caller import OutgoingCall
from livekit.rpc.errors import RpcError
from livekit.rpc.invocation import RpcCallInfo
from livekit.rpc.window import RequestWindow
from tests.rpc.ends import End, pair, until
from tests.rpc.rigs import Code, because, why

SIZE = 3


def outgoing(destination: str, number: int) -> OutgoingCall:
    return OutgoingCall(f"{destination} {number}", destination, "", "", 0, 10.0, 0.0, False, None)


def test_the_next_goes_when_one_leaves() -> None:
    window = RequestWindow(2)
    calls = [outgoing("bob", number) for number in range(4)]
    assert [window.enter(call, 0.0) for call in calls] == [True, True, False, False]
    assert window.enter(outgoing("carol", 0), 0.0), "another participant"
    assert window.leave("bob", "bob 1", 0.0) is calls[2]
    assert window.leave("bob", "bob 3", 0.0) is None, "one that waits gives up"
    assert [window.leave("bob", f"bob {number}", 0.0) for number in (0, 2, 2)] == [None] * 3
    assert window.leave("carol", "carol 0", 0.0) is None
    assert len(window) == 0


def test_a_participant_that_begins_anew_has_none_on_its_way() -> None:
    window = RequestWindow(2)
    calls = [outgoing("bob", number) for number in range(5)]
    for call in calls:
        window.enter(call, 0.0)
    assert window.restart("bob", 0.0) == calls[2:4]
    assert window.leave("bob", "bob 0", 0.0) is None, "its place was given away"
    assert window.restart("bob", 0.0) == calls[4:]
    assert window.restart("bob", 0.0) == window.restart("nobody", 0.0) == []
    assert len(window) == 0


def test_those_whose_time_is_over_do_not_go() -> None:
    window = RequestWindow(1)
    for number in range(4):
        window.enter(outgoing("bob", number), 0.0)
    assert window.leave("bob", "bob 0", 10.0) is None
    assert len(window) == 0


def test_the_newest_goes_first_while_more_is_asked_for_than_passes() -> None:
    window = RequestWindow(1)
    calls = [outgoing("bob", number) for number in range(6)]
    for call in calls:
        call.deadline = 10.0
        window.enter(call, 0.0)
    assert window.leave("bob", "bob 0", 5.0) is calls[1], "it has as much time left as it has waited"
    assert window.leave("bob", "bob 1", 5.1) is calls[5]
    late = outgoing("bob", 6)
    late.deadline = 15.0
    window.enter(late, 5.2)
    assert window.leave("bob", "bob 5", 9.0) is late
    for number in (2, 3, 4):
        window.leave("bob", f"bob {number}", 10.0)
    assert window.leave("bob", "bob 6", 10.0) is None


@given(
    steps=st.lists(st.tuples(st.sampled_from(["enter", "leave", "restart"]), st.sampled_from("ab"), st.integers(0, 9)))
)
def test_each_goes_once_and_in_order(steps: list[tuple[str, str, int]]) -> None:
    window, entered, sent = RequestWindow(SIZE), {"a": 0, "b": 0}, dict[str, list[int]](a=[], b=[])
    out: dict[str, set[int]] = {"a": set(), "b": set()}
    gone: dict[str, set[int]] = {"a": set(), "b": set()}

    def goes(call: OutgoingCall | None) -> None:
        if call is not None:
            sent[call.destination].append(int(call.request_id[2:]))
            out[call.destination].add(int(call.request_id[2:]))

    for what, who, number in steps:
        if what == "enter":
            call = outgoing(who, entered[who])
            entered[who] += 1
            goes(call if window.enter(call, 0.0) else None)
        elif what == "leave" and number < entered[who]:
            out[who].discard(number)
            gone[who].add(number)
            goes(window.leave(who, f"{who} {number}", 0.0))
        elif what == "restart":
            out[who].clear()
            for call in window.restart(who, 0.0):
                goes(call)
    for who in "ab":
        assert sent[who] == sorted(set(sent[who]))
        assert len(out[who]) <= SIZE
        waiting = set(range(entered[who])) - set(sent[who]) - gone[who]
        assert not waiting or len(out[who]) == SIZE, "nobody waits for nothing"


# In a client


def silent_bob(size: int = SIZE) -> End:
    """Alice, with a small window, and a Bob who acknowledges nothing."""
    alice, _ = pair()
    alice.client._window = RequestWindow(size)
    alice.line.deaf = True
    return alice


def calls(alice: End, count: int, timeout: float = 5.0) -> list[asyncio.Task[str]]:
    return [
        asyncio.ensure_future(alice.client.perform(RpcCallInfo("bob", "echo", str(number), timeout)))
        for number in range(count)
    ]


def requested(alice: End) -> list[str]:
    return [packet.stream_header.attributes[wire.ATTR_REQUEST_ID] for packet in alice.line.sent]


async def outcomes(tasks: list[asyncio.Task[str]]) -> set[tuple[int, str | None]]:
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    return {why(end) for end in ends if isinstance(end, RpcError)}


async def test_an_acknowledgement_lets_the_next_one_go() -> None:
    alice = silent_bob()
    tasks = calls(alice, 5)
    await until(lambda: len(alice.line.sent) == SIZE)
    for count in (SIZE + 1, SIZE + 2):
        request_id = requested(alice)[count - SIZE - 1]
        alice.client.receive_ack("mallory", wire.ack_packet("alice", request_id).rpc_ack)
        assert len(alice.line.sent) == count - 1
        alice.client.receive_ack("bob", wire.ack_packet("alice", request_id).rpc_ack)
        assert len(alice.line.sent) == count
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
    assert alice.line.kinds().count("stream_header") < 50
    assert len(alice.client._window) == 0


async def test_a_cancelled_call_makes_room() -> None:
    alice = silent_bob(1)
    tasks = calls(alice, 3)
    await until(lambda: len(alice.line.sent) == 1)
    tasks[1].cancel()
    tasks[0].cancel()
    await asyncio.wait(tasks[:2])
    assert alice.line.kinds() == ["stream_header", "stream_trailer", "stream_header"], "one cancel, for the one sent"
    alice.client.peer_left("bob")
    assert await outcomes(tasks[2:]) == {(Code.RECIPIENT_DISCONNECTED, None)}
    assert len(alice.client._window) == 0


async def test_who_begins_anew_gets_what_waited() -> None:
    alice = silent_bob(1)
    tasks = calls(alice, 2)
    await until(lambda: len(alice.line.sent) == 1)
    alice.client.peer_restarted("bob")
    assert len(set(requested(alice))) == 2
    alice.client.close()
    await asyncio.wait(tasks)


@pytest.mark.parametrize("count", [2, 3_000])
async def test_those_that_cannot_be_sent_any_more_fail(count: int) -> None:
    alice = silent_bob(1)
    tasks = calls(alice, count)
    await until(lambda: len(alice.line.sent) == 1)
    alice.line.closed = True
    tasks[0].cancel()
    assert await outcomes(tasks[1:]) == {(Code.SEND_FAILED, because("not_connected"))}
    assert len(alice.client._window) == 0


async def test_all_answered_in_the_end() -> None:
    alice, bob = pair()
    alice.client._window = RequestWindow(SIZE)

    async def echo(invocation: object) -> str:
        await asyncio.sleep(0)
        return "done"

    bob.registry.register("echo", echo, replace=False, executor=None)
    assert await asyncio.gather(*calls(alice, 200)) == ["done"] * 200
    assert len(alice.client._window) == 0
