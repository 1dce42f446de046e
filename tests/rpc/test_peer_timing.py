"""`PeerTiming`: round trips, and the waits derived from them."""

from __future__ import annotations

import pytest

from livekit.rpc.peer_timing import GRACE_RTTS, MAX_PEER_RTTS, MIN_GRACE, MIN_REPEAT_DELAY, READY_WAIT, PeerTiming


def test_the_server_round_trip_stands_in_for_an_unknown_peer() -> None:
    timing = PeerTiming()
    timing.server_rtt = 0.3
    timing.update("bob", 0.1)
    assert (timing.rtt("bob"), timing.rtt("carol")) == (0.1, 0.3)
    timing.forget("bob")
    assert timing.rtt("bob") == 0.3


def test_samples_are_smoothed() -> None:
    timing = PeerTiming()
    timing.update("bob", 0.1)
    timing.update("bob", 0.9)
    assert timing.rtt("bob") == pytest.approx(0.2)


def test_the_number_of_peers_is_bounded() -> None:
    timing = PeerTiming()
    for number in range(MAX_PEER_RTTS + 1):
        timing.update(f"peer-{number}", 1.0)
    assert (timing.rtt("peer-0"), timing.rtt("peer-1")) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("announces", "grace", "delay"), [(True, MIN_GRACE, MIN_GRACE), (False, READY_WAIT, MIN_REPEAT_DELAY)]
)
def test_waits_depend_on_when_the_server_announces(announces: bool, grace: float, delay: float) -> None:
    timing = PeerTiming()
    timing.announces_joins = announces
    assert (timing.listing_grace("bob"), timing.repeat_delay("bob")) == (grace, delay)
    timing.update("bob", 1.0)
    assert timing.listing_grace("bob") == (GRACE_RTTS if announces else READY_WAIT)
    assert timing.repeat_delay("bob") == GRACE_RTTS
