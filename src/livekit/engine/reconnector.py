"""Carries out what the state machine of a connection decides: waits, tries, and tells it what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from livekit._util.aio import loop_time
from livekit.errors import AuthenticationError, ConnectError, ServerUnreachableError
from livekit.protocol import models

from .connection_state import Attempt, ConnectionStateMachine, Event, Phase
from .region_urls import RegionUrls
from .rtc_session import RtcSession
from .session_manager import SessionManager

__all__ = ["Reconnector"]

logger = logging.getLogger("livekit.engine")

_Reason = models.DisconnectReason


class Reconnector:
    """Connects, and connects again; owns the task that does."""

    def __init__(
        self,
        machine: ConnectionStateMachine,
        sessions: SessionManager,
        urls: RegionUrls,
        *,
        joined: Callable[[RtcSession, bool], None],
        resumed: Callable[[int], None],
        ended: Callable[[Event, models.DisconnectReason], None],
    ) -> None:
        """`joined` is told whether this is a rejoin, `resumed` the last sequence number that the server has,
        `ended` that nothing more is tried."""
        self._machine = machine
        self._sessions = sessions
        self._urls = urls
        self._joined = joined
        self._resumed = resumed
        self._ended = ended
        self._task: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """The first join, tried again where it breaks off. Raises ConnectError."""
        failure: Exception = ConnectError("the session was closed while it connected")
        while (attempt := self._machine.next_attempt(loop_time())) is not None:
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
        while self._machine.recovering:
            attempt = self._machine.next_attempt(loop_time())
            if attempt is None:
                self._ended(Event.GAVE_UP, _Reason.SIGNAL_CLOSE)
                return
            await asyncio.sleep(attempt.delay)
            if attempt.phase is not self._machine.phase:
                continue
            try:
                await (self._resume if attempt.phase is Phase.RESUMING else self._join)(attempt)
            except Exception as error:
                self._failed(attempt, error)

    async def _join(self, attempt: Attempt) -> None:
        session = await self._sessions.join(attempt)
        self._joined(session, attempt.phase is Phase.REJOINING)

    async def _resume(self, attempt: Attempt) -> None:
        last_sequence = await self._sessions.resume(attempt)
        if attempt.phase is self._machine.phase:
            self._resumed(last_sequence)

    def _failed(self, attempt: Attempt, error: Exception) -> None:
        if not isinstance(error, (ConnectError, asyncio.TimeoutError)):
            logger.error("attempt %d to reconnect failed", attempt.number, exc_info=error)
        else:
            logger.info("attempt %d to reconnect failed: %s", attempt.number, str(error) or self._sessions.progress)
        rejoining = attempt.phase is Phase.REJOINING
        if isinstance(error, AuthenticationError) and rejoining and not self._urls.token_refused():
            self._ended(Event.REFUSED, _Reason.JOIN_FAILURE)
            return
        timed_out = isinstance(error, asyncio.TimeoutError) and not self._sessions.admitted
        unreachable = timed_out or isinstance(error, ServerUnreachableError)
        if unreachable and rejoining:
            self._urls.server_unreachable()
        self._machine.handle(Event.UNREACHABLE if unreachable else Event.FAILED, loop_time())
