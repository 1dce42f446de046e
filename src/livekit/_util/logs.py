"""Log records that peers can cause: rate-limited, and tagged with the room and participant concerned."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

__all__ = ["RateLimitedLog", "fields"]

INTERVAL = 10.0
"""Seconds between two warnings about the same subject."""
MAX_SUBJECTS = 256
"""Maximum number of subjects tracked; above it, the least recently warned about is evicted."""


@dataclass(slots=True)
class _LastWarning:
    at: float
    suppressed: int = 0


class RateLimitedLog:
    """Rate-limits records that a peer can cause at will, so that it cannot flood the log.

    The first record about a subject is logged at once, later ones every `INTERVAL` seconds with the number of those
    suppressed.
    """

    def __init__(self, logger: logging.Logger, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._last: dict[Hashable, _LastWarning] = {}

    def warn(self, subject: Hashable, message: str, *args: object, **about: str) -> None:
        """Warn about `subject`, for example a sender and the kind of error; `about` are the record's `fields`."""
        self._log(logging.WARNING, subject, message, args, about)

    def info(self, subject: Hashable, message: str, *args: object, **about: str) -> None:
        """Log at level INFO what needs no attention, in the way of `warn`."""
        self._log(logging.INFO, subject, message, args, about)

    def _log(
        self, level: int, subject: Hashable, message: str, args: tuple[object, ...], about: Mapping[str, str]
    ) -> None:
        last = self._last.get(subject)
        if not self.is_due(subject):
            return
        if last is not None and last.suppressed:
            message, args = message + " (and %d more since the last one)", (*args, last.suppressed)
        self._logger.log(level, message, *args, extra=fields(**about))

    def is_due(self, subject: Hashable) -> bool:
        """Return whether to log about `subject` now; count it as suppressed if not."""
        now = self._clock()
        last = self._last.get(subject)
        if last is not None and now - last.at < INTERVAL:
            last.suppressed += 1
            return False
        self._last.pop(subject, None)
        while len(self._last) >= MAX_SUBJECTS:
            del self._last[next(iter(self._last))]
        self._last[subject] = _LastWarning(now)
        return True


def fields(*, room: str = "", participant: str = "", connection: str = "", call: str = "") -> dict[str, str]:
    """Return the `extra` of a log record, without the empty fields.

    Args:
        room: The room's name.
        participant: The participant's identity.
        connection: The participant's sid.
        call: The RPC request's ID.
    """
    named = {"room": room, "participant": participant, "connection": connection, "call": call}
    return {name: value for name, value in named.items() if value}
