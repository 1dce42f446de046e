from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.engine.connection_state import (
    BACKOFF,
    LEAVE_GRACE,
    LEAVE_TIMEOUT,
    MAX_JOIN_ATTEMPTS,
    MAX_RETRY_AFTER,
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


def rejoining() -> ConnectionStateMachine:
    machine = connected()
    machine.handle_event(ConnectionEvent.LEAVE_RECONNECT, 0.0)
    return machine


def rejoined(attempts: int) -> ConnectionStateMachine:
    machine = rejoining()
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
        ([ConnectionEvent.TRANSPORT_FAILED], ConnectionPhase.AWAITING_LEAVE),
        ([ConnectionEvent.TRANSPORT_FAILED, ConnectionEvent.NO_LEAVE], ConnectionPhase.REJOINING),
        ([ConnectionEvent.TRANSPORT_FAILED, ConnectionEvent.ADDRESS_LOST], ConnectionPhase.REJOINING),
        ([ConnectionEvent.TRANSPORT_FAILED, ConnectionEvent.LEAVE_RECONNECT], ConnectionPhase.REJOINING),
        ([ConnectionEvent.TRANSPORT_FAILED, ConnectionEvent.LEAVE_DISCONNECT], ConnectionPhase.CLOSED),
        ([ConnectionEvent.TRANSPORT_FAILED, ConnectionEvent.TRANSPORT_DISCONNECTED], ConnectionPhase.AWAITING_LEAVE),
        ([ConnectionEvent.LEAVE_RECONNECT], ConnectionPhase.REJOINING),
        ([ConnectionEvent.SIGNAL_DISCONNECTED, ConnectionEvent.SUCCEEDED], ConnectionPhase.CONNECTED),
        ([ConnectionEvent.SIGNAL_DISCONNECTED, ConnectionEvent.UNREACHABLE], ConnectionPhase.RESUMING),
        ([ConnectionEvent.SIGNAL_DISCONNECTED, ConnectionEvent.FAILED], ConnectionPhase.REJOINING),
        ([ConnectionEvent.SIGNAL_DISCONNECTED, ConnectionEvent.TRANSPORT_FAILED], ConnectionPhase.REJOINING),
        ([ConnectionEvent.SIGNAL_DISCONNECTED, ConnectionEvent.LEAVE_RECONNECT], ConnectionPhase.REJOINING),
        ([ConnectionEvent.LEAVE_RECONNECT, ConnectionEvent.FAILED], ConnectionPhase.REJOINING),
        ([ConnectionEvent.LEAVE_RECONNECT, ConnectionEvent.UNREACHABLE], ConnectionPhase.REJOINING),
        ([ConnectionEvent.TRANSPORT_FAILED, ConnectionEvent.SIGNAL_DISCONNECTED], ConnectionPhase.REJOINING),
        ([ConnectionEvent.TRANSPORT_FAILED, ConnectionEvent.LEAVE_RESUME], ConnectionPhase.REJOINING),
        ([ConnectionEvent.LEAVE_RECONNECT, ConnectionEvent.SUCCEEDED], ConnectionPhase.CONNECTED),
    ],
)
def test_events_lead_through_the_phases(events: list[ConnectionEvent], phase: ConnectionPhase) -> None:
    machine = connected()
    for event in events:
        machine.handle_event(event, 0.0)
    assert machine.phase is phase


def test_backoff_grows_then_stays_at_its_last_value() -> None:
    machine = connected()
    machine.handle_event(ConnectionEvent.LEAVE_RECONNECT, 0.0)
    delays: list[float] = []
    for _ in range(len(BACKOFF) + 3):
        attempt = machine.next_attempt(0.0)
        assert attempt is not None
        delays.append(attempt.delay)
        machine.handle_event(ConnectionEvent.FAILED, 0.0)
    assert delays == [*BACKOFF, *([BACKOFF[-1]] * 3)]


def test_timeout_is_measured_from_the_loss() -> None:
    machine = connected()
    machine.handle_event(ConnectionEvent.SIGNAL_DISCONNECTED, 50.0)
    assert machine.next_attempt(50.0 + TIMEOUT - 0.1) is not None
    machine.handle_event(ConnectionEvent.FAILED, 60.0)
    assert machine.next_attempt(50.0 + TIMEOUT) is None
    assert machine.is_reconnecting, "the timeout is an event of its own"


def test_reconnects_within_5_seconds_of_the_end_of_a_45_second_outage() -> None:
    longest = RECONNECT_TIMEOUTS.open
    assert longest is not None
    assert longest + BACKOFF[-1] < 5
    assert TIMEOUT > 45


@pytest.mark.parametrize("event", [ConnectionEvent.UNREACHABLE, ConnectionEvent.FAILED])
def test_delay_that_the_server_asks_for_is_kept_once_and_bounded(event: ConnectionEvent) -> None:
    for asked, expected in ((2.0, 2.0), (3600.0, MAX_RETRY_AFTER), (0.0, 0.0)):
        machine = connected(jitter=0.0)
        machine.handle_event(ConnectionEvent.SIGNAL_DISCONNECTED, 0.0)
        assert machine.next_attempt(0.0) is not None
        machine.handle_event(event, 0.0)
        machine.delay_next_attempt(asked)
        attempt = machine.next_attempt(0.0)
        assert attempt is not None
        assert expected <= attempt.delay <= expected + BACKOFF[1]
        attempt = machine.next_attempt(0.0)
        assert attempt is not None
        assert attempt.delay <= BACKOFF[2], "the next delay is the usual one"


def test_delay_that_the_server_asks_for_ends_with_the_timeout() -> None:
    machine = connected(timeout=10.0)
    machine.handle_event(ConnectionEvent.SIGNAL_DISCONNECTED, 0.0)
    machine.delay_next_attempt(20.0)
    attempt = machine.next_attempt(4.0)
    assert attempt is not None
    assert attempt.delay == 6.0


def test_without_timeout_attempts_never_end() -> None:
    machine = connected(timeout=None)
    machine.handle_event(ConnectionEvent.SIGNAL_DISCONNECTED, 0.0)
    for day in range(1000):
        assert machine.next_attempt(day * 86_400.0) is not None
        machine.handle_event(ConnectionEvent.FAILED, 0.0)


def test_success_resets_the_backoff() -> None:
    machine = connected()
    for now in (0.0, 200.0, 400.0):
        machine.handle_event(ConnectionEvent.SIGNAL_DISCONNECTED, now)
        attempt = machine.next_attempt(now)
        assert attempt is not None
        assert (attempt.number, attempt.delay, attempt.phase) == (1, 0.0, ConnectionPhase.RESUMING)
        machine.handle_event(ConnectionEvent.SUCCEEDED, now)
    assert machine.next_attempt(400.0) is None


def test_failed_resume_is_followed_by_a_rejoin_without_delay() -> None:
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


def test_a_leave_is_awaited_until_a_ping_is_answered() -> None:
    machine = connected()
    machine.handle_event(ConnectionEvent.TRANSPORT_FAILED, 10.0)
    assert machine.next_attempt(10.0) is None
    assert machine.leave_deadline == 10.0 + LEAVE_TIMEOUT
    machine.ping_answered(10.01)
    assert machine.leave_deadline == 10.0 + LEAVE_GRACE
    machine.ping_answered(11.0)
    assert machine.leave_deadline == 11.0


def test_a_rejoin_without_a_leave_starts_at_once() -> None:
    machine = connected()
    machine.handle_event(ConnectionEvent.TRANSPORT_FAILED, 0.0)
    machine.handle_event(ConnectionEvent.NO_LEAVE, LEAVE_GRACE)
    attempt = machine.next_attempt(LEAVE_GRACE)
    assert attempt is not None
    assert (attempt.phase, attempt.delay) == (ConnectionPhase.REJOINING, 0.0)


def test_a_transport_failure_while_resuming_waits_for_a_late_leave() -> None:
    machine = connected()
    machine.handle_event(ConnectionEvent.SIGNAL_DISCONNECTED, 0.0)
    machine.handle_event(ConnectionEvent.TRANSPORT_FAILED, 0.0)
    attempt = machine.next_attempt(0.0)
    assert attempt is not None
    assert attempt.delay == LEAVE_GRACE


@pytest.mark.parametrize("before", [[], [ConnectionEvent.SIGNAL_DISCONNECTED], [ConnectionEvent.TRANSPORT_FAILED]])
def test_lost_address_restarts_ice_until_an_attempt_succeeds(before: list[ConnectionEvent]) -> None:
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


def test_failed_first_join_is_not_retried_and_has_no_step_timeouts() -> None:
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
def test_interrupted_first_join_is_retried_a_few_times(event: ConnectionEvent) -> None:
    machine = connecting()
    for number in range(1, MAX_JOIN_ATTEMPTS + 1):
        attempt = machine.next_attempt(0.0)
        assert attempt is not None
        assert (attempt.phase, attempt.number) == (ConnectionPhase.CONNECTING, number)
        machine.handle_event(event, 0.0)
        machine.handle_event(ConnectionEvent.FAILED, 0.0)
    assert machine.next_attempt(0.0) is None


@pytest.mark.parametrize("later", [0.0, STALE_ATTEMPT_WINDOW - 0.1])
def test_duplicate_identity_of_an_abandoned_attempt_does_not_close_the_connection(later: float) -> None:
    machine = rejoined(attempts=2)
    phases: list[ConnectionPhase] = []
    for _ in range(2):
        machine.handle_event(ConnectionEvent.LEAVE_DISCONNECT, later, DUPLICATE)
        phases.append(machine.phase)
        machine.next_attempt(later)
        machine.handle_event(ConnectionEvent.SUCCEEDED, later)
    assert phases == [ConnectionPhase.REJOINING, ConnectionPhase.CLOSED], (
        "two participants of one identity must not replace each other indefinitely"
    )


@pytest.mark.parametrize(
    "event", [ConnectionEvent.SIGNAL_DISCONNECTED, ConnectionEvent.TRANSPORT_FAILED, ConnectionEvent.SUCCEEDED]
)
def test_join_failure_is_retried_until_the_timeout(event: ConnectionEvent) -> None:
    machine = connected()
    machine.handle_event(event, 0.0)
    machine.next_attempt(0.0)
    machine.handle_event(ConnectionEvent.LEAVE_DISCONNECT, 15.0, models.DisconnectReason.JOIN_FAILURE)
    assert machine.phase is ConnectionPhase.REJOINING
    assert machine.next_attempt(200.0 + (event is ConnectionEvent.SUCCEEDED)) is None, "the timeout ends it"


def test_duplicate_identity_while_rejoining_is_of_an_abandoned_attempt() -> None:
    machine = rejoining()
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
def test_replaced_or_removed_participant_does_not_reconnect(
    attempts: int, later: float, reason: models.DisconnectReason
) -> None:
    machine = rejoined(attempts)
    machine.handle_event(ConnectionEvent.LEAVE_DISCONNECT, later, reason)
    assert machine.phase is ConnectionPhase.CLOSED


@given(st.floats(0, 1))
def test_jitter_reduces_a_delay_by_at_most_half(random: float) -> None:
    machine = connected(jitter=random)
    machine.handle_event(ConnectionEvent.LEAVE_RECONNECT, 0.0)
    for backoff in BACKOFF:
        attempt = machine.next_attempt(0.0)
        assert attempt is not None
        assert MIN_JITTER * backoff <= attempt.delay <= backoff
        machine.handle_event(ConnectionEvent.FAILED, 0.0)


@pytest.mark.parametrize("closing", CLOSING)
@pytest.mark.parametrize("before", [[], [ConnectionEvent.SIGNAL_DISCONNECTED], [ConnectionEvent.LEAVE_RECONNECT]])
def test_closed_is_final_and_keeps_its_reason(closing: ConnectionEvent, before: list[ConnectionEvent]) -> None:
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
def test_attempts_are_made_exactly_while_reconnecting(events: list[ConnectionEvent]) -> None:
    machine = connected(timeout=None, jitter=0.5)
    for event in events:
        before = machine.phase
        assert machine.handle_event(event, 0.0) is (machine.phase is not before)
        attempt = machine.next_attempt(0.0)
        assert (attempt is not None) is (machine.phase in {ConnectionPhase.RESUMING, ConnectionPhase.REJOINING})
        assert attempt is None or attempt.phase is machine.phase


@given(st.lists(st.tuples(st.sampled_from(list(ConnectionEvent)), st.floats(0, 30))))
def test_attempts_end_exactly_at_the_timeout(
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
