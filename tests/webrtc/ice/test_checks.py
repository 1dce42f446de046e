"""Binding requests and their retransmission (RFC 8445 section 7.2, RFC 8489 section 6.2)."""

from __future__ import annotations

import pytest

from livekit.webrtc.ice.checks import CONSENT_RTO, INITIAL_RTO, MAX_RTO, MAX_TRANSMISSIONS, Check, Checks, Transmit
from livekit.webrtc.ice.stun import Attribute, MessageClass, StunMessage, parse_stun
from tests.webrtc.ice.pairs import REMOTE_CREDENTIALS, make_pair

KEY = REMOTE_CREDENTIALS.password.encode()


class Sent(list[Transmit]):
    """The datagrams that were sent."""

    @property
    def last_request(self) -> StunMessage:
        return parse_stun(self[-1].data)


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def checks(sent: Sent) -> Checks:
    return Checks(sent.append)


def response_to(request: StunMessage, key: bytes = KEY) -> StunMessage:
    return parse_stun(StunMessage(MessageClass.SUCCESS, transaction_id=request.transaction_id).encode(key))


def test_request_has_the_attributes_of_rfc_8445(checks: Checks, sent: Sent) -> None:
    pair = make_pair()
    checks.start(pair, 0.0, controlling=True)
    (transmit,) = sent
    assert (transmit.socket, transmit.address) == (pair.socket, pair.address)
    request = sent.last_request
    local_ufrag = pair.checklist.local_credentials.ufrag
    assert request.attributes[Attribute.USERNAME] == f"{REMOTE_CREDENTIALS.ufrag}:{local_ufrag}".encode()
    assert request.has_integrity(KEY)
    assert (request.integer(Attribute.PRIORITY) or 0) >> 24 == 110, "the type preference of prflx (section 7.1.1)"
    assert request.integer(Attribute.ICE_CONTROLLING) == checks.tie_breaker
    assert Attribute.ICE_CONTROLLED not in request.attributes
    assert Attribute.USE_CANDIDATE not in request.attributes
    assert checks.is_checking(pair)
    assert not checks.is_nominating


def test_controlled_agent_never_sends_use_candidate(checks: Checks, sent: Sent) -> None:
    checks.start(make_pair(), 0.0, controlling=False, nominating=True)
    assert Attribute.ICE_CONTROLLED in sent.last_request.attributes
    assert Attribute.USE_CANDIDATE not in sent.last_request.attributes


@pytest.mark.parametrize("is_consent", [True, False])
def test_use_candidate_nominates(checks: Checks, sent: Sent, is_consent: bool) -> None:
    """Consent checks of a nominated pair repeat the nomination."""
    pair = make_pair()
    pair.nominated = is_consent
    checks.start(pair, 0.0, controlling=True, nominating=not is_consent, is_consent=is_consent)
    assert Attribute.USE_CANDIDATE in sent.last_request.attributes
    assert checks.is_nominating is not is_consent


def test_no_check_without_remote_credentials(checks: Checks, sent: Sent) -> None:
    checks.start(make_pair(signaled=False), 0.0, controlling=True)
    assert sent == []
    assert checks.next_timer() is None


def test_response_ends_the_check(checks: Checks, sent: Sent) -> None:
    pair = make_pair()
    checks.start(pair, 0.0, controlling=True)
    response = response_to(sent.last_request)
    check = checks.match_response(response, pair.socket)
    assert isinstance(check, Check)
    assert check.pair is pair
    assert checks.match_response(response, pair.socket) is None
    assert not checks.is_checking(pair)


def test_responses_that_do_not_match_are_ignored(checks: Checks, sent: Sent) -> None:
    """RFC 8445 section 7.2.5.2.1 demands the same socket; RFC 8489 section 9.1.4 a valid MESSAGE-INTEGRITY."""
    pair = make_pair()
    checks.start(pair, 0.0, controlling=True)
    request = sent.last_request
    assert checks.match_response(response_to(StunMessage(MessageClass.REQUEST)), pair.socket) is None
    assert checks.match_response(response_to(request), "another socket") is None
    assert checks.match_response(response_to(request, b"wrong"), pair.socket) is None
    assert checks.is_checking(pair)


@pytest.mark.parametrize("is_consent", [True, False])
def test_retransmission_intervals(checks: Checks, sent: Sent, is_consent: bool) -> None:
    pair = make_pair()
    checks.start(pair, 0.0, controlling=True, is_consent=is_consent)
    intervals: list[float] = []
    now, timed_out = 0.0, list[Check]()
    while (due := checks.next_timer()) is not None:
        assert checks.retransmit(due - 0.001) == []
        intervals.append(due - now)
        now, timed_out = due, checks.retransmit(due)
    doubled = [min(INITIAL_RTO * 2**index, MAX_RTO) for index in range(MAX_TRANSMISSIONS)]
    assert intervals == pytest.approx([CONSENT_RTO] * MAX_TRANSMISSIONS if is_consent else doubled)
    assert [check.pair for check in timed_out] == [pair]
    assert len(sent) == MAX_TRANSMISSIONS
    assert len({transmit.data for transmit in sent}) == 1, "a retransmission is the same transaction"


def test_cancelled_checks_are_not_retransmitted(checks: Checks, sent: Sent) -> None:
    consent, ordinary = make_pair(), make_pair()
    checks.start(consent, 0.0, controlling=True, is_consent=True)
    checks.start(ordinary, 0.0, controlling=True)
    checks.cancel(lambda check: check.is_consent)
    assert not checks.is_checking(consent)
    assert checks.is_checking(ordinary)
    checks.retransmit(1.0)
    assert len(sent) == 3
