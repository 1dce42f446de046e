from __future__ import annotations

import pytest

from livekit.webrtc.sctp.constants import RTO_INITIAL, RTO_MAX, RTO_MIN
from livekit.webrtc.sctp.rto import RetransmissionTimeout


def test_initial_rto_before_the_first_sample() -> None:
    rto = RetransmissionTimeout()
    assert rto.value == RTO_INITIAL
    assert rto.srtt is None


def test_first_and_second_sample() -> None:
    rto = RetransmissionTimeout()
    rto.sample(0.2)
    assert (rto.srtt, rto.rttvar) == (0.2, 0.1)
    assert rto.value == pytest.approx(0.6)
    rto.sample(0.28)
    assert rto.srtt == pytest.approx(0.21)
    assert rto.rttvar == pytest.approx(0.095)
    assert rto.value == pytest.approx(0.59)
    assert rto.min_rtt == 0.2


def test_round_trip_of_ice_shortens_the_first_timeout_only() -> None:
    rto = RetransmissionTimeout()
    rto.set_initial_rtt(0.1)
    assert rto.value == pytest.approx(0.3)
    assert rto.srtt is None
    rto.set_initial_rtt(5.0)
    assert rto.value == pytest.approx(0.3)
    rto.sample(0.2)
    rto.set_initial_rtt(0.1)
    assert rto.value == pytest.approx(0.6)


def test_rto_min_and_max() -> None:
    rto = RetransmissionTimeout()
    rto.sample(0.0001)
    assert rto.value == RTO_MIN
    rto.sample(30)
    assert rto.value == RTO_MAX


def test_backoff_doubles_to_the_ceiling_and_ends_with_progress() -> None:
    rto = RetransmissionTimeout(initial=0.5, maximum=2.0)
    values: list[float] = []
    for _ in range(4):
        values.append(rto.value)
        rto.back_off()
    assert values == [0.5, 1.0, 2.0, 2.0]
    rto.reset_backoff()
    assert rto.value == 0.5


def test_path_change_resets_the_minimum_round_trip_only() -> None:
    rto = RetransmissionTimeout()
    rto.sample(0.2)
    rto.path_changed()
    assert (rto.srtt, rto.min_rtt) == (0.2, 0.0)
    rto.sample(0.3)
    assert rto.min_rtt == 0.3
