"""`OutgoingCall`: its version and its timeouts."""

from __future__ import annotations

import pytest

from livekit.rpc.outgoing_call import OutgoingCall, OutgoingCallState, diagnose
from livekit.rpc.peer_info import ABSENT, PeerInfo
from livekit.rpc.peer_timing import MIN_GRACE, PeerTiming
from tests.rpc.core_fixtures import V1, V2, Code

State = OutgoingCallState


def sent_call(peer: PeerInfo, state: OutgoingCallState = State.DELIVERED, deadline: float = 115.0) -> OutgoingCall:
    call = OutgoingCall("id", "bob", "method", "", 0, deadline, 7.0, False, None)
    call.peer, call.listed, call.state, call.delivered_at = peer, peer.listed, state, 100.0
    return call


def immediate() -> PeerTiming:
    timing = PeerTiming()
    timing.announces_joins = True
    return timing


def test_the_version_is_the_peers() -> None:
    assert [sent_call(peer).version for peer in (ABSENT, V1, V2)] == [1, 2, 2]


@pytest.mark.parametrize(
    ("peer", "state", "due"),
    [
        (V2, State.SENT, 115.0),
        (V2, State.DELIVERED, 107.0),
        (ABSENT, State.DELIVERED, 100.0 + MIN_GRACE),
        (V2, State.ACKED, 115.0),
    ],
)
def test_timeouts(peer: PeerInfo, state: OutgoingCallState, due: float) -> None:
    call = sent_call(peer, state)
    call.update_due(immediate())
    assert call.due == due


@pytest.mark.parametrize(
    ("peer", "state", "unconfirmed"),
    [
        (ABSENT, State.WAITING, False),
        (ABSENT, State.SENT, True),
        (ABSENT, State.DELIVERED, True),
        (ABSENT, State.ACKED, False),
        (V2, State.DELIVERED, False),
    ],
)
def test_unconfirmed_requests(peer: PeerInfo, state: OutgoingCallState, unconfirmed: bool) -> None:
    assert sent_call(peer, state).is_unconfirmed is unconfirmed


def test_a_repetition_waits_for_an_acknowledgement() -> None:
    call = sent_call(ABSENT)
    call.expect_repeat(103.5, immediate())
    assert call.due == 103.5 + MIN_GRACE
    call.expect_repeat(101.0, immediate())
    assert call.due == 101.0 + MIN_GRACE, "ready earlier than expected"
    call.delivered_at = 102.0
    call.update_due(immediate())
    assert call.due == 102.0 + MIN_GRACE, "delivered after the peer was ready"
    assert call.listed


def test_a_timeout_names_its_cause() -> None:
    now = 120.0
    causes = [
        diagnose(sent_call(V2, state), now, online=True, listed=True)
        for state in (State.SENT, State.DELIVERED, State.ACKED)
    ]
    assert causes == [
        (Code.RESPONSE_TIMEOUT, "request_not_delivered"),
        (Code.RESPONSE_TIMEOUT, "not_acknowledged"),
        (Code.RESPONSE_TIMEOUT, "no_response"),
    ]
    assert diagnose(sent_call(V2), 107.0, online=True, listed=True) == (Code.CONNECTION_TIMEOUT, "not_acknowledged")
    assert diagnose(sent_call(ABSENT), 101.0, online=True, listed=False) == (Code.RECIPIENT_NOT_FOUND, "not_listed")
    restarted = sent_call(V2)
    restarted.restarted = True
    assert diagnose(restarted, now, online=True, listed=True) == (Code.RESPONSE_TIMEOUT, "peer_restarted")
    waiting = sent_call(V2, State.WAITING)
    assert diagnose(waiting, now, online=False, listed=True) == (Code.RESPONSE_TIMEOUT, "reconnecting")
    assert diagnose(waiting, now, online=True, listed=True) == (Code.RESPONSE_TIMEOUT, "recipient_not_ready")
    assert diagnose(waiting, now, online=True, listed=False) == (Code.RECIPIENT_NOT_FOUND, "not_listed")
