from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livekit.rpc.outgoing_call import OutgoingCall
from livekit.rpc.request_window import RequestWindow

SIZE = 3


def outgoing(destination: str, number: int) -> OutgoingCall:
    return OutgoingCall(f"{destination} {number}", destination, "", "", 0, 10.0, 0.0, False, None)


def acquire_for_bob(window: RequestWindow, count: int) -> list[OutgoingCall]:
    """Return calls to Bob, all made at time 0."""
    calls = [outgoing("bob", number) for number in range(count)]
    for call in calls:
        window.acquire(call, 0.0)
    return calls


def test_a_released_slot_is_given_to_the_next_call() -> None:
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


def test_reset_returns_queued_calls_and_frees_all_slots() -> None:
    window = RequestWindow(2)
    calls = acquire_for_bob(window, 5)
    assert window.reset("bob") == calls[2:]
    assert not window.release(calls[0], 0.0)
    assert window.reset("bob") == window.reset("nobody") == []
    assert len(window) == 0


def test_clear_drops_all_calls() -> None:
    window = RequestWindow(2)
    calls = acquire_for_bob(window, 5)
    window.clear()
    assert len(window) == 0
    assert not any(window.is_queued(call) for call in calls)


def test_expired_calls_get_no_slot() -> None:
    window = RequestWindow(2)
    calls = acquire_for_bob(window, 6)
    calls[5].deadline = 5.0
    assert not window.release(calls[0], 5.1), "the newest is about to end"
    assert window.is_queued(calls[5])
    assert window.release(calls[5], 5.2) == [calls[4]]
    assert not window.release(calls[1], 10.0)
    assert all(not window.release(call, 10.0) for call in calls)
    assert len(window) == 0


def test_all_free_slots_are_filled() -> None:
    window = RequestWindow(3)
    calls = acquire_for_bob(window, 8)
    calls[7].deadline = 5.0
    assert [list(window.release(call, 5.1)) for call in calls[:3]] == [[]] * 3
    assert window.release(calls[7], 5.1) == [calls[6], calls[5], calls[4]]


def test_lifo_under_overload() -> None:
    window = RequestWindow(1)
    calls = acquire_for_bob(window, 6)
    assert window.release(calls[0], 5.0) == [calls[1]], "it has as much time left as it has waited"
    assert window.release(calls[1], 5.1) == [calls[5]]
    late = outgoing("bob", 6)
    late.deadline = 15.0
    window.acquire(late, 5.2)
    assert window.release(calls[5], 9.0) == [late]


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["acquire", "release", "reset"]), st.sampled_from("ab"), st.integers(0, 9))
    )
)
def test_each_call_gets_a_slot_once_and_in_order(steps: list[tuple[str, str, int]]) -> None:
    window, calls = RequestWindow(SIZE), dict[str, list[OutgoingCall]](a=[], b=[])
    sent, in_flight = dict[str, list[str]](a=[], b=[]), dict[str, set[str]](a=set(), b=set())
    ended = set[str]()

    def got_slot(*those: OutgoingCall) -> None:
        for call in those:
            sent[call.destination].append(call.request_id)
            in_flight[call.destination].add(call.request_id)

    for step, peer, number in steps:
        if step == "acquire":
            call = outgoing(peer, len(calls[peer]))
            calls[peer].append(call)
            got_slot(*[call] if window.acquire(call, 0.0) else [])
        elif step == "release" and number < len(calls[peer]):
            call = calls[peer][number]
            in_flight[peer].discard(call.request_id)
            ended.add(call.request_id)
            got_slot(*window.release(call, 0.0))
        elif step == "reset":
            in_flight[peer].clear()
            ended.update(call.request_id for call in window.reset(peer))
    for peer in "ab":
        assert sent[peer] == sorted(set(sent[peer]), key=lambda request_id: int(request_id[2:]))
        assert len(in_flight[peer]) <= SIZE
        waiting = {call.request_id for call in calls[peer]} - set(sent[peer]) - ended
        assert not waiting or len(in_flight[peer]) == SIZE, "no call waits while a slot is free"
        assert all(window.is_queued(call) == (call.request_id in waiting) for call in calls[peer])
