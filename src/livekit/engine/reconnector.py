"""Carries out the attempts that the state machine of a connection schedules, and reports their outcome to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from livekit._util.aio import loop_time, start_task
from livekit.errors import AuthenticationError, ConnectError, ServerUnreachableError
from livekit.protocol import models

from .connection_state import Attempt, ConnectionEvent, ConnectionPhase, ConnectionStateMachine
from .region_urls import RegionUrls
from .rtc_session import RtcSession
from .session_manager import SessionManager

__all__ = ["Reconnector"]

logger = logging.getLogger("livekit.engine")

_Reason = models.DisconnectReason


class Reconnector:
    """Connects and reconnects. Owns the task that reconnects."""

    def __init__(
        self,
        machine: ConnectionStateMachine,
        sessions: SessionManager,
        urls: RegionUrls,
        *,
        on_joined: Callable[[RtcSession, bool], None],
        on_resumed: Callable[[int], None],
        on_gave_up: Callable[[ConnectionEvent, models.DisconnectReason], None],
    ) -> None:
        """`on_joined` takes True for a rejoin; `on_resumed` the number of the last reliable packet that the server has;
        `on_gave_up` is called when no further attempt is made."""
        self._machine = machine
        self._sessions = sessions
        self._urls = urls
        self._on_joined = on_joined
        self._on_resumed = on_resumed
        self._on_gave_up = on_gave_up
        self._task: asyncio.Task[None] | None = None
        self._leave_timer: asyncio.TimerHandle | None = None

    async def connect(self) -> None:
        """Join for the first time; retry if the join is interrupted. Raises ConnectError."""
        failure: Exception = ConnectError("the room was disconnected while it was connecting")
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
        """Reconnect in the background; idempotent."""
        self._stop_leave_timer()
        if self._task is None or self._task.done():
            self._task = start_task(self._reconnect(), name="livekit reconnect")

    def await_leave(self, on_none: Callable[[], None]) -> None:
        """Call `on_none` at the machine's `leave_deadline`, which a ping brings forward."""
        loop = asyncio.get_running_loop()

        def arm() -> None:
            self._stop_leave_timer()
            self._leave_timer = loop.call_at(self._machine.leave_deadline, on_none)

        def answered() -> None:
            if self._leave_timer is not None:
                self._machine.ping_answered(loop.time())
                arm()

        arm()
        self._sessions.ping(answered)

    async def stop(self) -> None:
        self._stop_leave_timer()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _stop_leave_timer(self) -> None:
        if self._leave_timer is not None:
            self._leave_timer.cancel()
            self._leave_timer = None

    async def _reconnect(self) -> None:
        while self._machine.is_reconnecting:
            attempt = self._machine.next_attempt(loop_time())
            if attempt is None:
                self._on_gave_up(ConnectionEvent.TIMED_OUT, _Reason.SIGNAL_CLOSE)
                return
            await asyncio.sleep(attempt.delay)
            if attempt.phase is not self._machine.phase:
                continue
            try:
                await (self._resume if attempt.phase is ConnectionPhase.RESUMING else self._join)(attempt)
            except Exception as error:
                self._handle_failure(attempt, error)

    async def _join(self, attempt: Attempt) -> None:
        session = await self._sessions.join(attempt)
        self._on_joined(session, attempt.phase is ConnectionPhase.REJOINING)

    async def _resume(self, attempt: Attempt) -> None:
        last_sequence = await self._sessions.resume(attempt)
        if attempt.phase is self._machine.phase:
            self._on_resumed(last_sequence)

    def _handle_failure(self, attempt: Attempt, error: Exception) -> None:
        if not isinstance(error, (ConnectError, asyncio.TimeoutError)):
            logger.error("attempt %d to reconnect failed", attempt.number, exc_info=error)
        else:
            reason = str(error) or f"timed out while {self._sessions.progress}"
            logger.info("attempt %d to reconnect failed: %s", attempt.number, reason)
        is_rejoin = attempt.phase is ConnectionPhase.REJOINING
        if isinstance(error, AuthenticationError) and is_rejoin and not self._urls.revert_token():
            self._on_gave_up(ConnectionEvent.TOKEN_REJECTED, _Reason.JOIN_FAILURE)
            return
        timed_out = isinstance(error, asyncio.TimeoutError) and not self._sessions.is_admitted
        unreachable = timed_out or isinstance(error, ServerUnreachableError)
        is_next_server = unreachable and is_rejoin and self._urls.next_region()
        event = ConnectionEvent.UNREACHABLE if unreachable else ConnectionEvent.FAILED
        self._machine.handle_event(event, loop_time())
        if isinstance(error, ServerUnreachableError) and error.retry_after is not None and not is_next_server:
            self._machine.delay_next_attempt(error.retry_after)
