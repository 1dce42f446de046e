"""Carries out what the state machine of a connection decides: waits, tries, and tells it what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from livekit.errors import AuthenticationError, ConnectError, ServerUnreachableError
from livekit.protocol import models

from .access import Access
from .link import Link
from .links import Links
from .reconnect import Attempt, ConnectionLife, Event, Phase

__all__ = ["Recovery"]

logger = logging.getLogger("livekit.session")

_Reason = models.DisconnectReason


class Recovery:
    """Connects, and connects again; owns the task that does."""

    def __init__(
        self,
        life: ConnectionLife,
        links: Links,
        access: Access,
        *,
        joined: Callable[[Link, bool], None],
        resumed: Callable[[int], None],
        ended: Callable[[Event, models.DisconnectReason], None],
    ) -> None:
        """`joined` is told whether the link is not the first, `resumed` the last sequence number that the server has,
        `ended` that nothing more is tried."""
        self._life = life
        self._links = links
        self._access = access
        self._joined = joined
        self._resumed = resumed
        self._ended = ended
        self._task: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """The first join, tried again where it breaks off. Raises ConnectError."""
        failure: Exception = ConnectError("the session was closed while it connected")
        while (attempt := self._life.next_attempt(_now())) is not None:
            await asyncio.sleep(attempt.delay)
            try:
                await self._join(attempt)
                return
            except ConnectError as error:
                failure = error
                logger.info("attempt %d to connect failed: %s", attempt.number, error)
        raise failure

    def start(self) -> None:
        """The connection was lost: get it back."""
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._recover())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _recover(self) -> None:
        while self._life.recovering:
            attempt = self._life.next_attempt(_now())
            if attempt is None:
                self._ended(Event.GAVE_UP, _Reason.SIGNAL_CLOSE)
                return
            await asyncio.sleep(attempt.delay)
            if attempt.phase is not self._life.phase:
                continue
            try:
                await (self._resume if attempt.phase is Phase.RESUMING else self._join)(attempt)
            except Exception as error:
                self._failed(attempt, error)

    async def _join(self, attempt: Attempt) -> None:
        link = await self._links.join(attempt)
        self._joined(link, attempt.phase is Phase.REJOINING)

    async def _resume(self, attempt: Attempt) -> None:
        last_sequence = await self._links.resume(attempt)
        if attempt.phase is self._life.phase:
            self._resumed(last_sequence)

    def _failed(self, attempt: Attempt, error: Exception) -> None:
        if not isinstance(error, (ConnectError, asyncio.TimeoutError)):
            logger.error("attempt %d to reconnect failed", attempt.number, exc_info=error)
        else:
            logger.info("attempt %d to reconnect failed: %s", attempt.number, str(error) or self._links.progress)
        rejoining = attempt.phase is Phase.REJOINING
        if isinstance(error, AuthenticationError) and rejoining and not self._access.token_refused():
            self._ended(Event.REFUSED, _Reason.JOIN_FAILURE)
            return
        timed_out = isinstance(error, asyncio.TimeoutError) and not self._links.admitted
        unreachable = timed_out or isinstance(error, ServerUnreachableError)
        if unreachable and rejoining:
            self._access.server_unreachable()
        self._life.handle(Event.UNREACHABLE if unreachable else Event.FAILED, _now())


def _now() -> float:
    return asyncio.get_running_loop().time()
