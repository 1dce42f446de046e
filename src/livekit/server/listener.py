"""Where the HTTP side of the server is listened for."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from . import access_log, limits
from .half_open_limit import HalfOpenLimit

logger = logging.getLogger(__name__)

SHUTDOWN_TIMEOUT = 1.0
BACKLOG = 1024
"""Connections that the kernel keeps until they are accepted; who is left out waits for seconds."""
LINGER = 1.0
"""Seconds for which the rest of a refused body is still read, so that the client reads the answer."""


class Listener:
    """One listening address of an application; every connection goes through the application's half_open_limit."""

    def __init__(self, app: web.Application, half_open_limit: HalfOpenLimit) -> None:
        self._half_open_limit = half_open_limit
        self._server: asyncio.AbstractServer | None = None
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
        """Listen; `port` 0 picks a free one. Raises OSError; `aclose` is needed even then."""
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        listening = await asyncio.get_running_loop().create_server(
            self._half_open_limit.serve(server), host, port, backlog=BACKLOG
        )
        self._server = listening
        self._port = int(listening.sockets[0].getsockname()[1])

    async def aclose(self) -> None:
        """Stop listening and end every connection; safe to call twice."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._runner.cleanup()
        self._half_open_limit.close()


def _request_logger() -> logging.Logger:
    """Where aiohttp logs what goes wrong with requests. It quotes lines that are too long, tokens in them included;
    what is logged here is not."""
    requests = logging.getLogger("livekit.server.requests")
    requests.addFilter(_without_quotes)
    return requests


def _without_quotes(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        logger.debug("refused a request that is not well formed: %s", type(error).__name__)
        return False
    return True
