"""The signal connection of one session: opened for a join, replaced by a resume."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from livekit._util.aio import within
from livekit._util.callbacks import ignore
from livekit._util.enum_names import enum_name
from livekit.errors import ConnectError
from livekit.protocol import models, rtc
from livekit.signaling import SignalConnection, SignalUrls

from .connection_state import AttemptTimeouts
from .local_address import LocalAddressMonitor

__all__ = ["SignalAnswer", "SignalCallbacks", "SignalClient", "SignalOpener"]

SignalOpener = Callable[[SignalUrls, str, Callable[[str], None]], Awaitable[SignalConnection]]
"""Opens a signal connection, given URLs, token and progress callback: :meth:`SignalConnection.open` by default."""


class SignalAnswer(NamedTuple):
    """The server's answer to a join or resume."""

    message: rtc.SignalResponse
    """A join or reconnect."""
    earlier: list[rtc.SignalResponse]
    """Messages that were received before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalCallbacks:
    """Callbacks of a signal client."""

    on_message: Callable[[rtc.SignalResponse], None]
    on_closed: Callable[[str], None]
    """The connection was lost, with the reason."""
    on_address_lost: Callable[[str], None]
    """This host no longer has the local address of the connection."""
    on_progress: Callable[[str], None]
    """A step of connecting begins; takes its description."""


class SignalClient:
    """Sends and receives signal messages; queues requests while there is no connection.

    Its creator must `close` it."""

    def __init__(self, open_connection: SignalOpener, callbacks: SignalCallbacks) -> None:
        self.is_admitted = False
        """True if the server answered the last `open`, even by refusing."""
        self._open_connection = open_connection
        self._callbacks = callbacks
        self._connection: SignalConnection | None = None
        self._address_monitor: LocalAddressMonitor | None = None
        self._queued: list[rtc.SignalRequest] = []

    @property
    def is_open(self) -> bool:
        return self._connection is not None and not self._connection.closed

    @property
    def round_trip_time(self) -> float | None:
        """Seconds; None while unknown."""
        return None if self._connection is None else self._connection.round_trip_time

    async def open(self, urls: SignalUrls, token: str, expected: str, timeouts: AttemptTimeouts) -> SignalAnswer:
        """Replace the connection and wait for the `expected` message: "join" or "reconnect". Call `start` next.

        Raises:
            ConnectError: the server could not be reached, or refused.
            asyncio.TimeoutError: a step took longer than its timeout.
        """
        self.is_admitted = False
        await self.close()

        async def open_connection() -> SignalConnection:
            connection = self._connection = await self._open_connection(urls, token, self._callbacks.on_progress)
            return connection

        connection = await within(timeouts.open, open_connection())
        return await within(timeouts.answer, self._wait_answer(connection, expected))

    def start(
        self,
        answer: SignalAnswer,
        *,
        ping_interval: float,
        ping_timeout: float,
        first: Iterable[rtc.SignalRequest] = (),
    ) -> None:
        """Deliver messages from now on; send `first`, then the queued requests. Ping times are in seconds."""
        connection = self._connection
        assert connection is not None, "open was called before"
        connection.on_message = self._callbacks.on_message
        connection.on_closed = self._callbacks.on_closed
        connection.start(ping_interval=ping_interval, ping_timeout=ping_timeout)
        if connection.local_address is not None:
            on_lost = self._callbacks.on_address_lost
            self._address_monitor = LocalAddressMonitor(connection.local_address, on_lost)
        queued, self._queued = self._queued, []
        for request in (*first, *queued):
            connection.send(request)
        for message in answer.earlier:
            self._callbacks.on_message(message)

    def send(self, request: rtc.SignalRequest) -> None:
        """Send a request, or queue it for the next connection."""
        if self._connection is None or self._connection.closed:
            self._queued.append(request)
        else:
            self._connection.send(request)

    def ping(self, on_pong: Callable[[], None]) -> None:
        """Ping the server; `on_pong` is called if it answers on this connection."""
        if self._connection is not None:
            self._connection.ping(on_pong)

    def discard_queued(self) -> None:
        """Drop the queued requests: they refer to peer connections that are closed."""
        self._queued.clear()

    async def finish(self, last: rtc.SignalRequest) -> None:
        """Send a last request and close the connection in order, if there is one."""
        connection = self._connection
        if connection is not None:
            connection.on_message = connection.on_closed = ignore
            connection.send(last)
            await connection.close()

    async def close(self) -> None:
        """Release the connection without waiting for the server; unsent requests are lost."""
        connection = self._connection
        if self._address_monitor is not None:
            self._address_monitor.stop()
        if connection is not None:
            connection.on_message = connection.on_closed = ignore
            await connection.abort()
            self._connection = None

    async def _wait_answer(self, connection: SignalConnection, expected: str) -> SignalAnswer:
        earlier: list[rtc.SignalResponse] = []
        while True:
            message = await connection.receive()
            kind = message.WhichOneof("message")
            if kind == expected:
                self.is_admitted = True
                return SignalAnswer(message, earlier)
            if kind == "leave":
                self.is_admitted = True
                self._callbacks.on_message(message)
                reason = enum_name(models.DisconnectReason, message.leave.reason)
                raise ConnectError(f"the server refused to admit this participant: {reason}")
            if kind == "join":
                self.is_admitted = True
                raise ConnectError("the server no longer knows this participant")
            earlier.append(message)
