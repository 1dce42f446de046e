"""Logs about what others send: never more of them than a reader can bear, whatever comes in."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

__all__ = ["RateLimitedLog", "fields"]

INTERVAL = 10.0
"""Seconds between two warnings about the same thing."""
MAX_SUBJECTS = 256
"""Things that are told apart at a time; beyond them, the oldest is forgotten."""


@dataclass(slots=True)
class _Told:
    at: float
    left_out: int = 0


class RateLimitedLog:
    """Warnings that others can cause as often as they like: the first at once, then one in a while, with a count."""

    def __init__(self, logger: logging.Logger, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._told: dict[Hashable, _Told] = {}

    def warn(self, subject: Hashable, message: str, *args: object, **about: str) -> None:
        """Warn about `subject`, such as a sender and what is wrong; `about` are the `fields` of the record."""
        now = self._clock()
        told = self._told.get(subject)
        if told is not None and now - told.at < INTERVAL:
            told.left_out += 1
            return
        if told is not None and told.left_out:
            message, args = message + " (and %d more since the last warning)", (*args, told.left_out)
        self._told.pop(subject, None)
        while len(self._told) >= MAX_SUBJECTS:
            del self._told[next(iter(self._told))]
        self._told[subject] = _Told(now)
        self._logger.warning(message, *args, extra=fields(**about))


def fields(*, room: str = "", participant: str = "", connection: str = "", call: str = "") -> dict[str, str]:
    """What a record is about, as its `extra`: the name of a room, an identity, its sid, and the id of a call."""
    named = {"room": room, "participant": participant, "connection": connection, "call": call}
    return {name: value for name, value in named.items() if value}
