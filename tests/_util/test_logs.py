"""Rate-limited warnings and the fields of log records."""

from __future__ import annotations

import logging

import pytest

from livekit._util.logs import INTERVAL, MAX_SUBJECTS, RateLimitedLog, fields


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def warnings(clock: Clock) -> RateLimitedLog:
    return RateLimitedLog(logging.getLogger("livekit.tests"), clock=clock)


def test_repeated_warnings_are_suppressed_and_counted(
    warnings: RateLimitedLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(1000):
        warnings.warn("bob", "garbage from %r", "bob", participant="bob")
    warnings.warn("carol", "garbage from %r", "carol")
    assert caplog.messages == ["garbage from 'bob'", "garbage from 'carol'"]
    clock.now = INTERVAL
    warnings.warn("bob", "garbage from %r", "bob", participant="bob")
    warnings.warn("carol", "garbage from %r", "carol")
    assert caplog.messages[2:] == ["garbage from 'bob' (and 999 more since the last one)", "garbage from 'carol'"]
    assert [vars(record).get("participant") for record in caplog.records] == ["bob", None, "bob", None]


def test_number_of_subjects_is_bounded(warnings: RateLimitedLog, caplog: pytest.LogCaptureFixture) -> None:
    for subject in range(MAX_SUBJECTS + 1):
        warnings.warn(subject, "garbage")
    warnings.warn(MAX_SUBJECTS, "garbage")
    assert len(caplog.records) == MAX_SUBJECTS + 1
    warnings.warn(0, "garbage")
    assert len(caplog.records) == MAX_SUBJECTS + 2
    assert len(warnings._last) == MAX_SUBJECTS


def test_fields_omits_empty_values() -> None:
    assert fields() == {}
    assert fields(room="demo", participant="bob", connection="PA_1", call="1-2") == {
        "room": "demo",
        "participant": "bob",
        "connection": "PA_1",
        "call": "1-2",
    }
