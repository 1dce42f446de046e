"""The listening sockets of the HTTP server."""

from __future__ import annotations

import asyncio
import logging
import socket

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from livekit._util.exhaustion import exhausted_resource
from livekit._util.logs import RateLimitedLog
from livekit.webrtc.network.listening import bind_tcp

from . import access_log, limits
from .acceptor import Acceptor
from .half_open_limit import HalfOpenLimit

logger = logging.getLogger(__name__)

SHUTDOWN_TIMEOUT = 1.0
"""Seconds for requests in progress to finish when the server stops."""
BACKLOG = 1024
"""Connections that the kernel queues until they are accepted; SYNs beyond it are retried only after seconds."""
LINGER = 1.0
"""Seconds for which the rest of a refused body is read and discarded, so that the client reads the response."""


class Listener:
    """Serves an application on one host; every connection is subject to the application's half_open_limit."""

    def __init__(self, app: web.Application, half_open_limit: HalfOpenLimit) -> None:
        self._half_open_limit = half_open_limit
        self._acceptor: Acceptor | None = None
        self._port = 0
        self._runner = web.AppRunner(
            app,
            access_log=access_log.logger,
            access_log_class=access_log.AccessLog,
            handle_signals=False,
            shutdown_timeout=SHUTDOWN_TIMEOUT,
            max_line_size=limits.MAX_REQUEST_LINE,
            max_field_size=limits.MAX_HEADER_FIELD,
            keepalive_timeout=limits.HALF_OPEN_TIMEOUT,
            lingering_time=LINGER,
            auto_decompress=False,
            logger=_request_logger(),
        )

    @property
    def port(self) -> int:
        return self._port

    async def start(self, host: str, port: int) -> None:
        """Listen; `port` 0 selects a free port.

        Raises:
            OSError: The address cannot be used; call `aclose` nevertheless.
        """
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        sockets = bind_tcp(await _addresses(host), port)
        self._acceptor = Acceptor(self._half_open_limit.serve(server))
        self._acceptor.start(sockets, BACKLOG)
        self._port = int(sockets[0].getsockname()[1])

    async def aclose(self) -> None:
        """Stop listening and close every connection; safe to call twice."""
        if self._acceptor is not None:
            await self._acceptor.aclose()
            self._acceptor = None
        await self._runner.cleanup()
        self._half_open_limit.close()


async def _addresses(host: str) -> list[str]:
    """Return the addresses to listen on: those of a name, and both families for `::` and an empty host.

    Raises:
        OSError: The name cannot be resolved.
    """
    if host in ("::", ""):
        return ["0.0.0.0", "::"]
    infos = await asyncio.get_running_loop().getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


def _request_logger() -> logging.Logger:
    """Return the logger for aiohttp's request errors."""
    requests = logging.getLogger("livekit.server.requests")
    if not any(isinstance(one, _RequestErrors) for one in requests.filters):
        requests.addFilter(_RequestErrors())
    return requests


class _RequestErrors(logging.Filter):
    """Rate-limits aiohttp's records of failed requests, and drops those that the client caused.

    aiohttp quotes request lines that are too long or malformed, including tokens in their query.
    """

    def __init__(self) -> None:
        super().__init__()
        self._log = RateLimitedLog(logger)

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            logger.debug("refused a malformed request: %s", type(error).__name__)
        elif isinstance(error, (ConnectionError, asyncio.TimeoutError)):
            logger.debug("a client closed its connection before the response: %s", error)
        elif error is not None and (resource := exhausted_resource(error)) is not None:
            self._log.warn("exhausted", "a request failed: %s", resource)
        elif error is not None:
            return self._log.is_due(type(error).__qualname__)
        else:
            return True
        return False
