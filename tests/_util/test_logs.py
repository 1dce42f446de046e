"""Warnings that others can cause, and what records are about."""

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
def rare(clock: Clock) -> RateLimitedLog:
    return RateLimitedLog(logging.getLogger("livekit.tests"), clock=clock)


def test_one_in_a_while_and_how_many_were_left_out(
    rare: RateLimitedLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(1000):
        rare.warn("bob", "garbage from %r", "bob", participant="bob")
    rare.warn("carol", "garbage from %r", "carol")
    assert caplog.messages == ["garbage from 'bob'", "garbage from 'carol'"]
    clock.now = INTERVAL
    rare.warn("bob", "garbage from %r", "bob", participant="bob")
    rare.warn("carol", "garbage from %r", "carol")
    assert caplog.messages[2:] == ["garbage from 'bob' (and 999 more since the last warning)", "garbage from 'carol'"]
    assert [vars(record).get("participant") for record in caplog.records] == ["bob", None, "bob", None]


def test_what_is_told_apart_is_bounded(rare: RateLimitedLog, caplog: pytest.LogCaptureFixture) -> None:
    for subject in range(MAX_SUBJECTS + 1):
        rare.warn(subject, "garbage")
    rare.warn(MAX_SUBJECTS, "garbage")
    assert len(caplog.records) == MAX_SUBJECTS + 1
    rare.warn(0, "garbage")
    assert len(caplog.records) == MAX_SUBJECTS + 2
    assert len(rare._told) == MAX_SUBJECTS


def test_records_say_what_they_are_about() -> None:
    assert fields() == {}
    assert fields(room="demo", participant="bob", connection="PA_1", call="1-2") == {
        "room": "demo",
        "participant": "bob",
        "connection": "PA_1",
        "call": "1-2",
    }
