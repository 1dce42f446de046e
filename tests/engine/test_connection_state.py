from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.engine.connection_state import (
    ECHO_WINDOW,
    JOIN_TRIES,
    LADDER,
    LEAVE_GRACE,
    RECONNECT_LIMITS,
    SHORTEST_JITTER,
    ConnectionStateMachine,
    Event,
    Phase,
    TimeLimits,
)
from livekit.protocol import models

CLOSING = [Event.LEAVE_DISCONNECT, Event.REFUSED, Event.GAVE_UP, Event.CLOSED]
DUPLICATE = models.DisconnectReason.DUPLICATE_IDENTITY
PATIENCE = 100.0


def connecting(patience: float | None = PATIENCE, jitter: float = 1.0) -> ConnectionStateMachine:
    return ConnectionStateMachine(patience=patience, random=lambda: jitter)


def connected(patience: float | None = PATIENCE, jitter: float = 1.0) -> ConnectionStateMachine:
    life = connecting(patience, jitter)
    assert life.next_attempt(0.0) is not None
    life.handle(Event.SUCCEEDED, 0.0)
    return life


def rejoined(attempts: int) -> ConnectionStateMachine:
    life = connected()
    life.handle(Event.PATH_FAILED, 0.0)
    for _ in range(attempts):
        life.next_attempt(0.0)
    life.handle(Event.SUCCEEDED, 0.0)
    return life


@pytest.mark.parametrize(
    ("events", "phase"),
    [
        ([], Phase.CONNECTED),
        ([Event.SIGNAL_LOST], Phase.RESUMING),
        ([Event.PATH_SILENT], Phase.RESUMING),
        ([Event.ADDRESS_GONE], Phase.RESUMING),
        ([Event.LEAVE_RESUME], Phase.RESUMING),
        ([Event.PATH_FAILED], Phase.REJOINING),
        ([Event.LEAVE_RECONNECT], Phase.REJOINING),
        ([Event.SIGNAL_LOST, Event.SUCCEEDED], Phase.CONNECTED),
        ([Event.SIGNAL_LOST, Event.UNREACHABLE], Phase.RESUMING),
        ([Event.SIGNAL_LOST, Event.FAILED], Phase.REJOINING),
        ([Event.SIGNAL_LOST, Event.PATH_FAILED], Phase.REJOINING),
        ([Event.SIGNAL_LOST, Event.LEAVE_RECONNECT], Phase.REJOINING),
        ([Event.PATH_FAILED, Event.FAILED], Phase.REJOINING),
        ([Event.PATH_FAILED, Event.UNREACHABLE], Phase.REJOINING),
        ([Event.PATH_FAILED, Event.SIGNAL_LOST], Phase.REJOINING),
        ([Event.PATH_FAILED, Event.LEAVE_RESUME], Phase.REJOINING),
        ([Event.PATH_FAILED, Event.SUCCEEDED], Phase.CONNECTED),
    ],
)
def test_the_way_through_the_phases(events: list[Event], phase: Phase) -> None:
    life = connected()
    for event in events:
        life.handle(event, 0.0)
    assert life.phase is phase


def test_the_ladder_is_climbed_and_then_kept() -> None:
    life = connected()
    life.handle(Event.LEAVE_RECONNECT, 0.0)
    delays: list[float] = []
    for _ in range(len(LADDER) + 3):
        attempt = life.next_attempt(0.0)
        assert attempt is not None
        delays.append(attempt.delay)
        life.handle(Event.FAILED, 0.0)
    assert delays == [*LADDER, *([LADDER[-1]] * 3)]


def test_patience_counts_from_the_loss() -> None:
    life = connected()
    life.handle(Event.SIGNAL_LOST, 50.0)
    assert life.next_attempt(50.0 + PATIENCE - 0.1) is not None
    life.handle(Event.FAILED, 60.0)
    assert life.next_attempt(50.0 + PATIENCE) is None
    assert life.recovering, "giving up is said by an event of its own"


def test_an_outage_of_45_seconds_is_over_within_5_whatever_happens_to_the_attempts() -> None:
    longest = RECONNECT_LIMITS.open
    assert longest is not None
    assert longest + LADDER[-1] < 5
    assert PATIENCE > 45


def test_without_a_limit_it_never_ends() -> None:
    life = connected(patience=None)
    life.handle(Event.SIGNAL_LOST, 0.0)
    for day in range(1000):
        assert life.next_attempt(day * 86_400.0) is not None
        life.handle(Event.FAILED, 0.0)


def test_a_success_starts_the_ladder_anew() -> None:
    life = connected()
    for now in (0.0, 200.0, 400.0):
        life.handle(Event.SIGNAL_LOST, now)
        attempt = life.next_attempt(now)
        assert attempt is not None
        assert (attempt.number, attempt.delay, attempt.phase) == (1, 0.0, Phase.RESUMING)
        life.handle(Event.SUCCEEDED, now)
    assert life.next_attempt(400.0) is None


def test_a_server_that_was_reached_and_does_not_resume_is_joined_anew_at_once() -> None:
    life = connected()
    life.handle(Event.SIGNAL_LOST, 0.0)
    life.next_attempt(0.0)
    life.handle(Event.UNREACHABLE, 0.0)
    second = life.next_attempt(0.0)
    assert second is not None
    assert second.delay == LADDER[1]
    life.handle(Event.FAILED, 0.0)
    third = life.next_attempt(0.0)
    assert third is not None
    assert (third.phase, third.delay) == (Phase.REJOINING, 0.0)


def test_a_closed_peer_connection_waits_for_the_leave_that_may_follow() -> None:
    life = connected()
    life.handle(Event.PATH_FAILED, 0.0)
    attempt = life.next_attempt(0.0)
    assert attempt is not None
    assert attempt.delay == LEAVE_GRACE


@pytest.mark.parametrize("before", [[], [Event.SIGNAL_LOST], [Event.PATH_FAILED]])
def test_an_address_that_is_gone_restarts_ice_until_that_worked(before: list[Event]) -> None:
    life = connected()
    for event in (*before, Event.ADDRESS_GONE):
        life.handle(event, 0.0)
    for _ in range(2):
        attempt = life.next_attempt(0.0)
        assert attempt is not None
        assert attempt.restart_ice
        life.handle(Event.UNREACHABLE, 0.0)
    life.handle(Event.SUCCEEDED, 0.0)
    life.handle(Event.SIGNAL_LOST, 0.0)
    attempt = life.next_attempt(0.0)
    assert attempt is not None
    assert not attempt.restart_ice


def test_a_first_join_has_no_limits_of_its_own_and_is_tried_once() -> None:
    life = connecting()
    attempt = life.next_attempt(0.0)
    assert attempt is not None
    assert (attempt.phase, attempt.delay, attempt.limits) == (Phase.CONNECTING, 0.0, TimeLimits())
    for event in (Event.FAILED, Event.UNREACHABLE, Event.PATH_FAILED, Event.LEAVE_DISCONNECT):
        assert not life.handle(event, 0.0)
    assert life.next_attempt(0.0) is None


@pytest.mark.parametrize("event", [Event.SIGNAL_LOST, Event.LEAVE_RECONNECT, Event.LEAVE_RESUME])
def test_a_first_join_that_breaks_off_is_tried_again_a_few_times(event: Event) -> None:
    life = connecting()
    for number in range(1, JOIN_TRIES + 1):
        attempt = life.next_attempt(0.0)
        assert attempt is not None
        assert (attempt.phase, attempt.number) == (Phase.CONNECTING, number)
        life.handle(event, 0.0)
        life.handle(Event.FAILED, 0.0)
    assert life.next_attempt(0.0) is None


@pytest.mark.parametrize("later", [0.0, ECHO_WINDOW - 0.1])
def test_an_echo_of_our_own_attempts_does_not_end_the_connection(later: float) -> None:
    life = rejoined(attempts=2)
    phases: list[Phase] = []
    for _ in range(2):
        life.handle(Event.LEAVE_DISCONNECT, later, DUPLICATE)
        phases.append(life.phase)
        life.next_attempt(later)
        life.handle(Event.SUCCEEDED, later)
    assert phases == [Phase.REJOINING, Phase.CLOSED], "two of the same identity do not go on like this for ever"


@pytest.mark.parametrize("event", [Event.SIGNAL_LOST, Event.PATH_FAILED, Event.SUCCEEDED])
def test_an_attempt_that_did_not_come_up_in_time_is_not_the_last(event: Event) -> None:
    life = connected()
    life.handle(event, 0.0)
    life.next_attempt(0.0)
    life.handle(Event.LEAVE_DISCONNECT, 15.0, models.DisconnectReason.JOIN_FAILURE)
    assert life.phase is Phase.REJOINING
    assert life.next_attempt(200.0 + (event is Event.SUCCEEDED)) is None, "our patience ends it"


def test_an_echo_may_come_while_we_rejoin() -> None:
    life = connected()
    life.handle(Event.PATH_FAILED, 0.0)
    for _ in range(2):
        life.next_attempt(0.0)
    life.handle(Event.LEAVE_DISCONNECT, 0.0, DUPLICATE)
    assert life.phase is Phase.REJOINING


@pytest.mark.parametrize(
    ("attempts", "later", "reason"),
    [
        (1, 0.0, DUPLICATE),
        (2, ECHO_WINDOW, DUPLICATE),
        (2, 0.0, models.DisconnectReason.PARTICIPANT_REMOVED),
    ],
)
def test_who_is_replaced_or_removed_for_other_reasons_stays_away(
    attempts: int, later: float, reason: models.DisconnectReason
) -> None:
    life = rejoined(attempts)
    life.handle(Event.LEAVE_DISCONNECT, later, reason)
    assert life.phase is Phase.CLOSED


@given(st.floats(0, 1))
def test_jitter_shortens_a_wait_but_not_to_nothing(random: float) -> None:
    life = connected(jitter=random)
    life.handle(Event.LEAVE_RECONNECT, 0.0)
    for rung in LADDER:
        attempt = life.next_attempt(0.0)
        assert attempt is not None
        assert SHORTEST_JITTER * rung <= attempt.delay <= rung
        life.handle(Event.FAILED, 0.0)


@pytest.mark.parametrize("closing", CLOSING)
@pytest.mark.parametrize("before", [[], [Event.SIGNAL_LOST], [Event.LEAVE_RECONNECT]])
def test_closing_is_for_good_and_keeps_its_reason(closing: Event, before: list[Event]) -> None:
    life = connected()
    for event in before:
        life.handle(event, 0.0)
    assert life.handle(closing, 0.0, models.DisconnectReason.PARTICIPANT_REMOVED)
    for event in Event:
        assert not life.handle(event, 0.0, models.DisconnectReason.CLIENT_INITIATED)
    assert life.phase is Phase.CLOSED
    assert life.close_reason == models.DisconnectReason.PARTICIPANT_REMOVED
    assert life.next_attempt(0.0) is None


@given(st.lists(st.sampled_from(list(Event))))
def test_there_is_something_to_try_exactly_while_recovering(events: list[Event]) -> None:
    life = connected(patience=None, jitter=0.5)
    for event in events:
        before = life.phase
        assert life.handle(event, 0.0) is (life.phase is not before)
        attempt = life.next_attempt(0.0)
        assert (attempt is not None) is (life.phase in {Phase.RESUMING, Phase.REJOINING})
        assert attempt is None or attempt.phase is life.phase


@given(st.lists(st.tuples(st.sampled_from(list(Event)), st.floats(0, 30))))
def test_it_gives_up_when_nothing_came_of_it_for_as_long_as_its_patience(steps: list[tuple[Event, float]]) -> None:
    life = connected()
    now = lost_at = 0.0
    for event, passed in steps:
        now += passed
        was_connected = life.phase is Phase.CONNECTED
        life.handle(event, now)
        if was_connected:
            lost_at = now
        if life.recovering:
            assert (life.next_attempt(now) is None) is (now - lost_at >= PATIENCE)
