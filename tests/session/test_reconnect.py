from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.protocol import models
from livekit.session.reconnect import LADDER, LEAVE_GRACE, SHORTEST_JITTER, ConnectionLife, Event, Phase

CLOSING = [Event.LEAVE_DISCONNECT, Event.REFUSED, Event.GAVE_UP, Event.CLOSED]


def connected(attempts: int | None = 10, jitter: float = 1.0) -> ConnectionLife:
    life = ConnectionLife(attempts=attempts, random=lambda: jitter)
    life.handle(Event.SUCCEEDED)
    return life


@pytest.mark.parametrize(
    ("events", "phase"),
    [
        ([], Phase.CONNECTED),
        ([Event.SIGNAL_LOST], Phase.RESUMING),
        ([Event.PATH_SILENT], Phase.RESUMING),
        ([Event.LEAVE_RESUME], Phase.RESUMING),
        ([Event.PATH_FAILED], Phase.REJOINING),
        ([Event.LEAVE_RECONNECT], Phase.REJOINING),
        ([Event.SIGNAL_LOST, Event.SUCCEEDED], Phase.CONNECTED),
        ([Event.SIGNAL_LOST, Event.UNREACHABLE], Phase.RESUMING),
        ([Event.SIGNAL_LOST, Event.FAILED], Phase.REJOINING),
        ([Event.SIGNAL_LOST, Event.PATH_FAILED], Phase.REJOINING),
        ([Event.SIGNAL_LOST, Event.LEAVE_RECONNECT], Phase.REJOINING),
        ([Event.PATH_FAILED, Event.FAILED], Phase.REJOINING),
        ([Event.PATH_FAILED, Event.SIGNAL_LOST], Phase.REJOINING),
        ([Event.PATH_FAILED, Event.SUCCEEDED], Phase.CONNECTED),
    ],
)
def test_the_way_through_the_phases(events: list[Event], phase: Phase) -> None:
    life = connected()
    for event in events:
        life.handle(event)
    assert life.phase is phase


def test_the_ladder_is_climbed_and_ends() -> None:
    life = connected()
    life.handle(Event.LEAVE_RECONNECT)
    delays: list[float] = []
    while (attempt := life.next_attempt()) is not None:
        delays.append(attempt.delay)
        life.handle(Event.FAILED)
    assert delays == [*LADDER, *([LADDER[-1]] * 4)]
    assert life.recovering, "giving up is said by an event of its own"


def test_without_a_limit_it_never_ends() -> None:
    life = connected(attempts=None)
    life.handle(Event.SIGNAL_LOST)
    for _ in range(1000):
        assert life.next_attempt() is not None
        life.handle(Event.FAILED)


def test_a_success_starts_the_ladder_anew() -> None:
    life = connected()
    for _ in range(3):
        life.handle(Event.SIGNAL_LOST)
        attempt = life.next_attempt()
        assert attempt is not None
        assert (attempt.number, attempt.delay, attempt.phase) == (1, 0.0, Phase.RESUMING)
        life.handle(Event.SUCCEEDED)
    assert life.next_attempt() is None


def test_a_server_that_was_reached_and_does_not_resume_is_joined_anew_at_once() -> None:
    life = connected()
    life.handle(Event.SIGNAL_LOST)
    life.next_attempt()
    life.handle(Event.UNREACHABLE)
    second = life.next_attempt()
    assert second is not None
    assert second.delay == LADDER[1]
    life.handle(Event.FAILED)
    third = life.next_attempt()
    assert third is not None
    assert (third.phase, third.delay) == (Phase.REJOINING, 0.0)


def test_a_closed_peer_connection_waits_for_the_leave_that_may_follow() -> None:
    life = connected()
    life.handle(Event.PATH_FAILED)
    attempt = life.next_attempt()
    assert attempt is not None
    assert attempt.delay == LEAVE_GRACE


@given(st.floats(0, 1))
def test_jitter_shortens_a_wait_but_not_to_nothing(random: float) -> None:
    life = connected(jitter=random)
    life.handle(Event.LEAVE_RECONNECT)
    for rung in LADDER:
        attempt = life.next_attempt()
        assert attempt is not None
        assert SHORTEST_JITTER * rung <= attempt.delay <= rung
        life.handle(Event.FAILED)


@pytest.mark.parametrize("closing", CLOSING)
@pytest.mark.parametrize("before", [[], [Event.SIGNAL_LOST], [Event.LEAVE_RECONNECT]])
def test_closing_is_for_good_and_keeps_its_reason(closing: Event, before: list[Event]) -> None:
    life = connected()
    for event in before:
        life.handle(event)
    assert life.handle(closing, models.DisconnectReason.PARTICIPANT_REMOVED)
    assert not life.handle(Event.CLOSED, models.DisconnectReason.CLIENT_INITIATED)
    for event in Event:
        assert not life.handle(event)
    assert life.phase is Phase.CLOSED
    assert life.close_reason == models.DisconnectReason.PARTICIPANT_REMOVED
    assert life.next_attempt() is None


@given(st.lists(st.sampled_from(list(Event))))
def test_there_is_something_to_try_exactly_while_recovering(events: list[Event]) -> None:
    life = ConnectionLife(attempts=None, random=lambda: 0.5)
    for event in events:
        before = life.phase
        assert life.handle(event) is (life.phase is not before)
        assert (life.next_attempt() is not None) is (life.phase in {Phase.RESUMING, Phase.REJOINING})
