"""Consent freshness (RFC 7675 section 5.1)."""

from __future__ import annotations

import random

import pytest

from livekit.webrtc.ice.consent import CHECKS_PER_TIMEOUT, RECHECK_TIMEOUT, Consent
from tests.webrtc.ice.pairs import make_pair

TIMEOUT = 8.0


@pytest.fixture
def consent() -> Consent:
    return Consent(TIMEOUT, random.Random(1))


def test_interval_is_randomized_by_a_fifth(consent: Consent) -> None:
    intervals: list[float] = []
    for _ in range(200):
        consent.schedule_next_check(100.0)
        intervals.append(consent.next_check_at - 100.0)
    interval = TIMEOUT / CHECKS_PER_TIMEOUT
    assert 0.8 * interval <= min(intervals) < 0.85 * interval
    assert 1.15 * interval < max(intervals) <= 1.2 * interval


def test_consent_expires_after_the_timeout(consent: Consent) -> None:
    pair = make_pair()
    pair.last_response_at = 10.0
    assert consent.disconnected_at(pair) == 10.0 + TIMEOUT / 2
    assert consent.expires_at(pair) == 10.0 + TIMEOUT


def test_recheck_is_immediate_and_shortens_the_wait(consent: Consent) -> None:
    pair = make_pair()
    pair.last_response_at = 10.0
    consent.recheck(pair, 10.0)
    assert consent.next_check_at == 10.0
    assert consent.disconnected_at(pair) == 10.0 + RECHECK_TIMEOUT


def test_recheck_never_extends_the_wait(consent: Consent) -> None:
    pair = make_pair()
    pair.last_response_at = 10.0
    before = consent.disconnected_at(pair)
    consent.recheck(pair, before - RECHECK_TIMEOUT / 2)
    assert consent.disconnected_at(pair) == before
