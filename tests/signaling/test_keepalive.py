from __future__ import annotations

import pytest

from livekit.signaling.keepalive import DEFAULT_PING_INTERVAL, DEFAULT_PING_TIMEOUT, Keepalive, KeepaliveAction

PING, DEAD, WAIT = KeepaliveAction.PING, KeepaliveAction.DEAD, KeepaliveAction.WAIT


def test_pings_immediately_and_then_every_interval() -> None:
    keepalive = Keepalive(5, 15, now=100.0)
    assert keepalive.poll(100.0) is PING
    keepalive.ping_sent(1, 100.0)
    assert keepalive.next_time == 105.0
    assert keepalive.poll(104.9) is WAIT
    assert keepalive.poll(105.0) is PING


def test_any_message_extends_the_timeout() -> None:
    keepalive = Keepalive(5, 15, now=0.0)
    keepalive.message_received(10.0)
    assert keepalive.poll(24.9) is not DEAD
    assert keepalive.poll(25.0) is DEAD


def test_silence_is_detected_between_pings() -> None:
    keepalive = Keepalive(60, 2, now=0.0)
    keepalive.ping_sent(1, 0.0)
    assert keepalive.next_time == 2.0
    assert keepalive.poll(2.0) is DEAD


def test_round_trip_time_is_measured_by_the_newest_ping() -> None:
    keepalive = Keepalive(5, 15, now=0.0)
    assert keepalive.round_trip_time is None
    keepalive.ping_sent(11, 0.0)
    keepalive.ping_sent(12, 5.0)
    keepalive.pong_received(11, 5.1)
    assert keepalive.round_trip_time is None
    keepalive.pong_received(12, 5.25)
    assert keepalive.round_trip_time == pytest.approx(0.25)


@pytest.mark.parametrize("unset", [0, -1])
def test_unset_times_have_defaults(unset: float) -> None:
    keepalive = Keepalive(unset, unset, now=0.0)
    assert (keepalive.interval, keepalive.timeout) == (DEFAULT_PING_INTERVAL, DEFAULT_PING_TIMEOUT)
