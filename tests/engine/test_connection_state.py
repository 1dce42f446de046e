from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.engine.connection_state import (
    BACKOFF,
    LEAVE_GRACE,
    MAX_JOIN_ATTEMPTS,
    MIN_JITTER,
    RECONNECT_TIMEOUTS,
    STALE_ATTEMPT_WINDOW,
    AttemptTimeouts,
    ConnectionEvent,
    ConnectionPhase,
    ConnectionStateMachine,
)
from livekit.protocol import models

CLOSING = [
    ConnectionEvent.LEAVE_DISCONNECT,
    ConnectionEvent.TOKEN_REJECTED,
    ConnectionEvent.TIMED_OUT,
    ConnectionEvent.CLOSED,
]
DUPLICATE = models.DisconnectReason.DUPLICATE_IDENTITY
TIMEOUT = 100.0


def connecting(timeout: float | None = TIMEOUT, jitter: float = 1.0) -> ConnectionStateMachine:
    return ConnectionStateMachine(timeout=timeout, random=lambda: jitter)


def connected(timeout: float | None = TIMEOUT, jitter: float = 1.0) -> ConnectionStateMachine:
    machine = connecting(timeout, jitter)
    assert machine.next_attempt(0.0) is not None
    machine.handle_event(ConnectionEvent.SUCCEEDED, 0.0)
    return machine


def rejoined(attempts: int) -> ConnectionStateMachine:
    machine = connected()
    machine.handle_event(ConnectionEvent.TRANSPORT_FAILED, 0.0)
    for _ in range(attempts):
        machine.next_attempt(0.0)
    machine.handle_event(ConnectionEvent.SUCCEEDED, 0.0)
    return machine


@pytest.mark.parametrize(
    ("events", "phase"),
    [
        ([], ConnectionPhase.CONNECTED),
        ([ConnectionEvent.SIGNAL_DISCONNECTED], ConnectionPhase.RESUMING),
        ([ConnectionEvent.TRANSPORT_DISCONNECTED], ConnectionPhase.RESUMING),
        ([ConnectionEvent.ADDRESS_LOST], ConnectionPhase.RESUMING),
        ([ConnectionEvent.LEAVE_RESUME], ConnectionPhase.RESUMING),
        ([ConnectionEvent.TRANSPORT_FAILED], ConnectionPhase.REJOINING),
        ([ConnectionEvent.LEAVE_RECONNECT], ConnectionPhase.REJOINING),
        ([ConnectionEvent.SIGNAL_DISCONNECTED, ConnectionEvent.SUCCEEDED], ConnectionPhase.CONNECTED),
        ([ConnectionEvent.SIGNAL_DISCONNECTED, ConnectionEvent.UNREACHABLE], ConnectionPhase.RESUMING),
        ([ConnectionEvent.SIGNAL_DISCONNECTED, ConnectionEvent.FAILED], ConnectionPhase.REJOINING),
        ([ConnectionEvent.SIGNAL_DISCONNECTED, ConnectionEvent.TRANSPORT_FAILED], ConnectionPhase.REJOINING),
        ([ConnectionEvent.SIGNAL_DISCONNECTED, ConnectionEvent.LEAVE_RECONNECT], ConnectionPhase.REJOINING),
        ([ConnectionEvent.TRANSPORT_FAILED, ConnectionEvent.FAILED], ConnectionPhase.REJOINING),
        ([ConnectionEvent.TRANSPORT_FAILED, ConnectionEvent.UNREACHABLE], ConnectionPhase.REJOINING),
        ([ConnectionEvent.TRANSPORT_FAILED, ConnectionEvent.SIGNAL_DISCONNECTED], ConnectionPhase.REJOINING),
        ([ConnectionEvent.TRANSPORT_FAILED, ConnectionEvent.LEAVE_RESUME], ConnectionPhase.REJOINING),
        ([ConnectionEvent.TRANSPORT_FAILED, ConnectionEvent.SUCCEEDED], ConnectionPhase.CONNECTED),
    ],
)
def test_the_way_through_the_phases(events: list[ConnectionEvent], phase: ConnectionPhase) -> None:
    machine = connected()
    for event in events:
        machine.handle_event(event, 0.0)
    assert machine.phase is phase


def test_the_ladder_is_climbed_and_then_kept() -> None:
    machine = connected()
    machine.handle_event(ConnectionEvent.LEAVE_RECONNECT, 0.0)
    delays: list[float] = []
    for _ in range(len(BACKOFF) + 3):
        attempt = machine.next_attempt(0.0)
        assert attempt is not None
        delays.append(attempt.delay)
        machine.handle_event(ConnectionEvent.FAILED, 0.0)
    assert delays == [*BACKOFF, *([BACKOFF[-1]] * 3)]


def test_timeout_counts_from_the_loss() -> None:
    machine = connected()
    machine.handle_event(ConnectionEvent.SIGNAL_DISCONNECTED, 50.0)
    assert machine.next_attempt(50.0 + TIMEOUT - 0.1) is not None
    machine.handle_event(ConnectionEvent.FAILED, 60.0)
    assert machine.next_attempt(50.0 + TIMEOUT) is None
    assert machine.is_reconnecting, "giving up is said by an event of its own"


def test_an_outage_of_45_seconds_is_over_within_5_whatever_happens_to_the_attempts() -> None:
    longest = RECONNECT_TIMEOUTS.open
    assert longest is not None
    assert longest + BACKOFF[-1] < 5
    assert TIMEOUT > 45


def test_without_a_limit_it_never_ends() -> None:
    machine = connected(timeout=None)
    machine.handle_event(ConnectionEvent.SIGNAL_DISCONNECTED, 0.0)
    for day in range(1000):
        assert machine.next_attempt(day * 86_400.0) is not None
        machine.handle_event(ConnectionEvent.FAILED, 0.0)


def test_a_success_starts_the_ladder_anew() -> None:
    machine = connected()
    for now in (0.0, 200.0, 400.0):
        machine.handle_event(ConnectionEvent.SIGNAL_DISCONNECTED, now)
        attempt = machine.next_attempt(now)
        assert attempt is not None
        assert (attempt.number, attempt.delay, attempt.phase) == (1, 0.0, ConnectionPhase.RESUMING)
        machine.handle_event(ConnectionEvent.SUCCEEDED, now)
    assert machine.next_attempt(400.0) is None


def test_a_server_that_was_reached_and_does_not_resume_is_joined_anew_at_once() -> None:
    machine = connected()
    machine.handle_event(ConnectionEvent.SIGNAL_DISCONNECTED, 0.0)
    machine.next_attempt(0.0)
    machine.handle_event(ConnectionEvent.UNREACHABLE, 0.0)
    second = machine.next_attempt(0.0)
    assert second is not None
    assert second.delay == BACKOFF[1]
    machine.handle_event(ConnectionEvent.FAILED, 0.0)
    third = machine.next_attempt(0.0)
    assert third is not None
    assert (third.phase, third.delay) == (ConnectionPhase.REJOINING, 0.0)


def test_a_closed_peer_connection_waits_for_the_leave_that_may_follow() -> None:
    machine = connected()
    machine.handle_event(ConnectionEvent.TRANSPORT_FAILED, 0.0)
    attempt = machine.next_attempt(0.0)
    assert attempt is not None
    assert attempt.delay == LEAVE_GRACE


@pytest.mark.parametrize("before", [[], [ConnectionEvent.SIGNAL_DISCONNECTED], [ConnectionEvent.TRANSPORT_FAILED]])
def test_an_address_that_is_gone_restarts_ice_until_that_worked(before: list[ConnectionEvent]) -> None:
    machine = connected()
    for event in (*before, ConnectionEvent.ADDRESS_LOST):
        machine.handle_event(event, 0.0)
    for _ in range(2):
        attempt = machine.next_attempt(0.0)
        assert attempt is not None
        assert attempt.restart_ice
        machine.handle_event(ConnectionEvent.UNREACHABLE, 0.0)
    machine.handle_event(ConnectionEvent.SUCCEEDED, 0.0)
    machine.handle_event(ConnectionEvent.SIGNAL_DISCONNECTED, 0.0)
    attempt = machine.next_attempt(0.0)
    assert attempt is not None
    assert not attempt.restart_ice


def test_a_first_join_has_no_limits_of_its_own_and_is_tried_once() -> None:
    machine = connecting()
    attempt = machine.next_attempt(0.0)
    assert attempt is not None
    assert (attempt.phase, attempt.delay, attempt.timeouts) == (ConnectionPhase.CONNECTING, 0.0, AttemptTimeouts())
    for event in (
        ConnectionEvent.FAILED,
        ConnectionEvent.UNREACHABLE,
        ConnectionEvent.TRANSPORT_FAILED,
        ConnectionEvent.LEAVE_DISCONNECT,
    ):
        assert not machine.handle_event(event, 0.0)
    assert machine.next_attempt(0.0) is None


@pytest.mark.parametrize(
    "event", [ConnectionEvent.SIGNAL_DISCONNECTED, ConnectionEvent.LEAVE_RECONNECT, ConnectionEvent.LEAVE_RESUME]
)
def test_a_first_join_that_breaks_off_is_tried_again_a_few_times(event: ConnectionEvent) -> None:
    machine = connecting()
    for number in range(1, MAX_JOIN_ATTEMPTS + 1):
        attempt = machine.next_attempt(0.0)
        assert attempt is not None
        assert (attempt.phase, attempt.number) == (ConnectionPhase.CONNECTING, number)
        machine.handle_event(event, 0.0)
        machine.handle_event(ConnectionEvent.FAILED, 0.0)
    assert machine.next_attempt(0.0) is None


@pytest.mark.parametrize("later", [0.0, STALE_ATTEMPT_WINDOW - 0.1])
def test_an_echo_of_our_own_attempts_does_not_end_the_connection(later: float) -> None:
    machine = rejoined(attempts=2)
    phases: list[ConnectionPhase] = []
    for _ in range(2):
        machine.handle_event(ConnectionEvent.LEAVE_DISCONNECT, later, DUPLICATE)
        phases.append(machine.phase)
        machine.next_attempt(later)
        machine.handle_event(ConnectionEvent.SUCCEEDED, later)
    assert phases == [ConnectionPhase.REJOINING, ConnectionPhase.CLOSED], (
        "two of the same identity do not go on like this for ever"
    )


@pytest.mark.parametrize(
    "event", [ConnectionEvent.SIGNAL_DISCONNECTED, ConnectionEvent.TRANSPORT_FAILED, ConnectionEvent.SUCCEEDED]
)
def test_an_attempt_that_did_not_come_up_in_time_is_not_the_last(event: ConnectionEvent) -> None:
    machine = connected()
    machine.handle_event(event, 0.0)
    machine.next_attempt(0.0)
    machine.handle_event(ConnectionEvent.LEAVE_DISCONNECT, 15.0, models.DisconnectReason.JOIN_FAILURE)
    assert machine.phase is ConnectionPhase.REJOINING
    assert machine.next_attempt(200.0 + (event is ConnectionEvent.SUCCEEDED)) is None, "our timeout ends it"


def test_an_echo_may_come_while_we_rejoin() -> None:
    machine = connected()
    machine.handle_event(ConnectionEvent.TRANSPORT_FAILED, 0.0)
    for _ in range(2):
        machine.next_attempt(0.0)
    machine.handle_event(ConnectionEvent.LEAVE_DISCONNECT, 0.0, DUPLICATE)
    assert machine.phase is ConnectionPhase.REJOINING


@pytest.mark.parametrize(
    ("attempts", "later", "reason"),
    [
        (1, 0.0, DUPLICATE),
        (2, STALE_ATTEMPT_WINDOW, DUPLICATE),
        (2, 0.0, models.DisconnectReason.PARTICIPANT_REMOVED),
    ],
)
def test_who_is_replaced_or_removed_for_other_reasons_stays_away(
    attempts: int, later: float, reason: models.DisconnectReason
) -> None:
    machine = rejoined(attempts)
    machine.handle_event(ConnectionEvent.LEAVE_DISCONNECT, later, reason)
    assert machine.phase is ConnectionPhase.CLOSED


@given(st.floats(0, 1))
def test_jitter_shortens_a_wait_but_not_to_nothing(random: float) -> None:
    machine = connected(jitter=random)
    machine.handle_event(ConnectionEvent.LEAVE_RECONNECT, 0.0)
    for backoff in BACKOFF:
        attempt = machine.next_attempt(0.0)
        assert attempt is not None
        assert MIN_JITTER * backoff <= attempt.delay <= backoff
        machine.handle_event(ConnectionEvent.FAILED, 0.0)


@pytest.mark.parametrize("closing", CLOSING)
@pytest.mark.parametrize("before", [[], [ConnectionEvent.SIGNAL_DISCONNECTED], [ConnectionEvent.LEAVE_RECONNECT]])
def test_closing_is_for_good_and_keeps_its_reason(closing: ConnectionEvent, before: list[ConnectionEvent]) -> None:
    machine = connected()
    for event in before:
        machine.handle_event(event, 0.0)
    assert machine.handle_event(closing, 0.0, models.DisconnectReason.PARTICIPANT_REMOVED)
    for event in ConnectionEvent:
        assert not machine.handle_event(event, 0.0, models.DisconnectReason.CLIENT_INITIATED)
    assert machine.phase is ConnectionPhase.CLOSED
    assert machine.close_reason == models.DisconnectReason.PARTICIPANT_REMOVED
    assert machine.next_attempt(0.0) is None


@given(st.lists(st.sampled_from(list(ConnectionEvent))))
def test_there_is_something_to_try_exactly_while_recovering(events: list[ConnectionEvent]) -> None:
    machine = connected(timeout=None, jitter=0.5)
    for event in events:
        before = machine.phase
        assert machine.handle_event(event, 0.0) is (machine.phase is not before)
        attempt = machine.next_attempt(0.0)
        assert (attempt is not None) is (machine.phase in {ConnectionPhase.RESUMING, ConnectionPhase.REJOINING})
        assert attempt is None or attempt.phase is machine.phase


@given(st.lists(st.tuples(st.sampled_from(list(ConnectionEvent)), st.floats(0, 30))))
def test_it_gives_up_when_nothing_came_of_it_for_as_long_as_its_timeout(
    steps: list[tuple[ConnectionEvent, float]],
) -> None:
    machine = connected()
    now = lost_at = 0.0
    for event, passed in steps:
        now += passed
        was_connected = machine.phase is ConnectionPhase.CONNECTED
        machine.handle_event(event, now)
        if was_connected:
            lost_at = now
        if machine.is_reconnecting:
            assert (machine.next_attempt(now) is None) is (now - lost_at >= TIMEOUT)
