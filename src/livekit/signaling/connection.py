"""One WebSocket to the server: signal messages in both directions, and pings that detect a half-open connection."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import cast

import aiohttp
from aiohttp import hdrs
from google.protobuf.message import DecodeError

from livekit._http.failures import classify_exception
from livekit._http.refusals import Refusal
from livekit._http.session import Route, open_session
from livekit._http.urls import host_and_port
from livekit._util.aio import finish, start_task, within
from livekit._util.callbacks import ignore
from livekit._util.logs import RateLimitedLog
from livekit.errors import AuthenticationError, ConnectError, NotLiveKitError
from livekit.protocol import rtc

from .failures import classify_status
from .keepalive import Keepalive, KeepaliveAction
from .urls import SignalUrls

__all__ = ["SignalConnection", "SocketName", "authorization_headers"]

logger = logging.getLogger("livekit.signaling")

SocketName = tuple[str, int] | tuple[str, int, int, int]
"""An IPv4 or IPv6 address as `socket.getsockname` returns it."""
MAX_MESSAGE_SIZE = 16 * 1024 * 1024
"""Bytes of one message from the server: enough for a room of thousands of participants."""
MAX_REASON_SIZE = 4096
"""Maximum number of bytes to read from the body of a refusal."""
VALIDATE_TIMEOUT = 3.0
"""Seconds to query the reason of a refusal."""
DRAIN_TIMEOUT = 0.5
"""Seconds to read what has arrived after sending failed."""
CLOSE_TIMEOUT = 0.5
"""Seconds to send queued messages, and again for the closing handshake."""


class SignalConnection:
    """A signal connection. `receive` returns messages until `start`; later ones are passed to `on_message`.

    Create it with `open`. The caller must `close` or `abort` it.
    """

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self.on_message: Callable[[rtc.SignalResponse], None] = ignore
        self.on_closed: Callable[[str], None] = ignore
        """Called once, with the reason, if the connection ends without `close` or `abort`."""
        self._session = session
        self._malformed_log = RateLimitedLog(logger)
        self._socket = socket
        self._queue: deque[bytes] = deque()
        self._queued = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = [start_task(self._write(), name="livekit signal writer")]
        self._keepalive: Keepalive | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._drain_timer: asyncio.TimerHandle | None = None
        self._pong_callbacks: dict[int, Callable[[], None]] = {}
        """Callbacks of pings, by timestamp."""
        self._closed = False

    @classmethod
    async def open(cls, urls: SignalUrls, token: str, progress: Callable[[str], None]) -> SignalConnection:
        """Connect. `progress` is called with a description of each step. There is no timeout, and cancellation releases
        everything.

        Raises:
            ConnectError: its class identifies the failure.
        """
        headers = authorization_headers(token)
        where = host_and_port(urls.websocket)
        progress(f"connecting to {where}")
        trace = _trace(urls, lambda: progress(f"waiting for {where} to answer"))
        route = open_session(urls.websocket, trace_configs=[trace])
        try:
            socket = await _connect(route, urls, headers)
        except BaseException:
            await finish(route.session.close())
            raise
        progress("waiting for the server to admit us")
        return cls(route.session, socket)

    @property
    def round_trip_time(self) -> float | None:
        """Round-trip time in seconds, measured by the last ping; None before the first pong."""
        return None if self._keepalive is None else self._keepalive.round_trip_time

    @property
    def local_address(self) -> SocketName | None:
        """The local address; None for in-memory connections."""
        return cast("SocketName | None", self._socket.get_extra_info("sockname"))

    @property
    def closed(self) -> bool:
        return self._closed or self._socket.closed

    async def receive(self) -> rtc.SignalResponse:
        """Return the next message. Only allowed before `start`.

        Raises:
            ConnectError: the connection ended.
            NotLiveKitError: a message is not LiveKit's protocol.
        """
        while True:
            message = await self._socket.receive()
            if message.type is not aiohttp.WSMsgType.BINARY:
                break
            try:
                return rtc.SignalResponse.FromString(message.data)
            except DecodeError as error:
                raise NotLiveKitError(f"the server sent an invalid signal message: {error}") from None
        if message.type is aiohttp.WSMsgType.TEXT:
            raise NotLiveKitError("the server sent text, but LiveKit's protocol is binary")
        raise ConnectError(f"the server closed the signal connection ({_close_reason(self._socket, message.extra)})")

    def start(self, *, ping_interval: float, ping_timeout: float) -> None:
        """Pass messages to `on_message` from now on, and send pings. Seconds; 0 for the default."""
        loop = asyncio.get_running_loop()
        self._keepalive = Keepalive(ping_interval, ping_timeout, loop.time())
        self._tasks.append(start_task(self._read(self._keepalive), name="livekit signal reader"))
        self._timer = loop.call_at(self._keepalive.next_time, self._tick, self._keepalive)

    def send(self, request: rtc.SignalRequest) -> None:
        """Queue one message, never blocking. Messages still queued when the connection ends are lost."""
        if not self._closed:
            self._queue.append(request.SerializeToString())
            self._queued.set()

    def ping(self, on_pong: Callable[[], None]) -> None:
        """Ping the server now, besides the regular pings; `on_pong` is called when it answers this ping."""
        if self._keepalive is not None:
            self._pong_callbacks[self._send_ping(self._keepalive)] = on_pong

    async def close(self) -> None:
        """Send queued messages, close the WebSocket and release everything. Idempotent."""
        self._closed = True
        self._queued.set()
        try:
            if self._tasks and not self._socket.closed:
                await asyncio.wait(self._tasks[:1], timeout=CLOSE_TIMEOUT)
                await self._socket.close()
        finally:
            await finish(self._release())

    async def abort(self) -> None:
        """Release everything without sending queued messages or waiting for the server."""
        self._closed = True
        self._queue.clear()
        try:
            if not self._socket.closed:
                await within(0, self._socket.close())
        except asyncio.TimeoutError:
            pass  # the cancelled `close` has closed the TCP connection
        finally:
            await finish(self._release())

    async def _release(self) -> None:
        self._stop_timers()
        for task in self._tasks:
            task.cancel()
        try:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            await self._session.close()
        self._tasks.clear()

    async def _write(self) -> None:
        while True:
            while self._queue:
                try:
                    await self._socket.send_bytes(self._queue.popleft())
                except (OSError, aiohttp.ClientError) as error:
                    self._sending_failed(f"sending failed: {error}")
                    return
            if self._closed:
                return
            self._queued.clear()
            await self._queued.wait()

    def _sending_failed(self, reason: str) -> None:
        """End the connection after the messages that have arrived were read; the last may be a leave."""
        if not self._closed:
            self._drain_timer = asyncio.get_running_loop().call_later(DRAIN_TIMEOUT, self._end, reason)

    async def _read(self, keepalive: Keepalive) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                message = await self.receive()
            except NotLiveKitError as error:
                self._malformed_log.warn("signal", "dropped a signal message: %s", error)
                continue
            except ConnectError as error:
                self._end(error.message)
                return
            keepalive.message_received(loop.time())
            if message.WhichOneof("message") == "pong_resp":
                timestamp = message.pong_resp.last_ping_timestamp
                keepalive.pong_received(timestamp, loop.time())
                self._pong_callbacks.pop(timestamp, ignore)()
            try:
                self.on_message(message)
            except Exception:
                logger.exception("handling a signal message failed")

    def _tick(self, keepalive: Keepalive) -> None:
        loop = asyncio.get_running_loop()
        action = keepalive.poll(loop.time())
        if action is KeepaliveAction.DEAD:
            self._end(f"the server was silent for {keepalive.timeout:g} s")
            return
        if action is KeepaliveAction.PING:
            self._send_ping(keepalive)
        self._timer = loop.call_at(keepalive.next_time, self._tick, keepalive)

    def _send_ping(self, keepalive: Keepalive) -> int:
        """Send a ping; return its timestamp."""
        timestamp, rtt = round(time.time() * 1000), round((keepalive.round_trip_time or 0) * 1000)
        keepalive.ping_sent(timestamp, asyncio.get_running_loop().time())
        self.send(rtc.SignalRequest(ping_req=rtc.Ping(timestamp=timestamp, rtt=rtt)))
        return timestamp

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._drain_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._drain_timer = None

    def _end(self, reason: str) -> None:
        self._stop_timers()
        if not self._closed:
            self._closed = True
            self.on_closed(reason)


async def _connect(route: Route, urls: SignalUrls, headers: dict[str, str]) -> aiohttp.ClientWebSocketResponse[bool]:
    try:
        return await route.session.ws_connect(
            urls.websocket,
            headers=headers,
            max_msg_size=MAX_MESSAGE_SIZE,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT),  # pyright: ignore[reportCallIssue]  # attrs class
        )
    except aiohttp.WSServerHandshakeError as error:
        if error.status == 101:
            raise NotLiveKitError(
                f"{urls.websocket.host} sent an invalid WebSocket handshake: {error.message}"
            ) from None
        refusal = Refusal(error.status, headers=error.headers or {})
    except (aiohttp.ClientError, OSError, MemoryError, ValueError) as error:
        raise classify_exception(error, urls.websocket, route.proxy) from None
    raise classify_status(await _query_refusal(route.session, urls, headers, refusal), urls.websocket, route.proxy)


async def _query_refusal(
    session: aiohttp.ClientSession, urls: SignalUrls, headers: dict[str, str], refusal: Refusal
) -> Refusal:
    """Return a refusal with the text of the validate route: aiohttp drops the body of a refused handshake."""
    try:
        timeout = aiohttp.ClientTimeout(total=VALIDATE_TIMEOUT)
        async with session.get(urls.validate, headers=headers, timeout=timeout, allow_redirects=False) as response:
            body = await response.content.read(MAX_REASON_SIZE)
            if response.status >= 400:
                fields = response.headers if hdrs.RETRY_AFTER in response.headers else refusal.headers
                return Refusal(response.status, body.decode("utf-8", "replace"), fields)
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError, ConnectError) as error:
        logger.debug("could not query the reason for HTTP status %d: %s", refusal.status, error)
    return refusal


def authorization_headers(token: str) -> dict[str, str]:
    """Return the HTTP headers that carry a token. Raises AuthenticationError: it cannot be a token."""
    if not token.strip():
        raise AuthenticationError("the token is empty; create one with livekit.api.AccessToken or `livekit token`", 401)
    if "://" in token:
        raise AuthenticationError("the token is a URL; call connect(url, token) with an access token", 401)
    if token.lower().startswith("bearer "):
        raise AuthenticationError("the token must not begin with 'Bearer': pass what follows it", 401)
    if not all(" " < character <= "~" for character in token):
        raise AuthenticationError(
            "the token has characters that are not allowed in a token; check that it was copied correctly", 401
        )
    return {"Authorization": f"Bearer {token}"}


def _trace(urls: SignalUrls, on_connected: Callable[[], None]) -> aiohttp.TraceConfig:
    async def connected(*_: object) -> None:
        on_connected()

    async def redirected(_: object, context: object, redirect: aiohttp.TraceRequestRedirectParams) -> None:
        # Not followed, as in the official SDK: the token must not be sent to servers that the user has not named.
        refusal = Refusal(redirect.response.status, headers=redirect.response.headers)
        raise classify_status(refusal, urls.websocket)

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(connected)
    trace.on_request_redirect.append(redirected)
    return trace


def _close_reason(socket: aiohttp.ClientWebSocketResponse[bool], extra: object) -> str:
    error = socket.exception()
    if error is not None:
        return str(error) or type(error).__name__
    text = f" {extra}" if extra else ""
    return f"code {socket.close_code}{text}"
