"""Isolation of observers."""

from __future__ import annotations

import logging

import pytest

from livekit._util.isolation import isolated


def test_first_failure_is_an_error_and_later_ones_are_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[int] = []

    def observe(number: int) -> None:
        seen.append(number)
        raise RuntimeError(number)

    safe = isolated(observe, "the observer")
    for number in range(3):
        safe(number)
    assert seen == [0, 1, 2]
    assert [record.levelname for record in caplog.records] == ["ERROR", "DEBUG", "DEBUG"]


def test_failing_log_is_ignored() -> None:
    class BrokenHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise ValueError("I/O operation on closed file")

    handler, logger = BrokenHandler(), logging.getLogger("livekit")
    logger.addHandler(handler)
    try:
        isolated(logger.error, "the log")("message")
    finally:
        logger.removeHandler(handler)


def test_interrupts_are_raised() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        isolated(interrupt, "the observer")()
