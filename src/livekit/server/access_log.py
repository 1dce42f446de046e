"""The HTTP access log, logger `livekit.access`. Query strings are left out, because they may hold tokens."""

from __future__ import annotations

import logging
from contextvars import ContextVar

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from livekit._util.isolation import isolated

logger = logging.getLogger("livekit.access")

_MAX_PATH = 256
_connection: ContextVar[str] = ContextVar("connection", default="")


def name_connection(name: str) -> None:
    """Set the ID by which other log records name the connection of the current request, such as a participant sid."""
    _connection.set(name)


class AccessLog(AbstractAccessLogger):
    """Logs method, path, status, duration in seconds, remote address and connection, also as `extra` fields."""

    def __init__(self, logger: logging.Logger, log_format: str) -> None:
        super().__init__(logger, log_format)
        self._info = isolated(self.logger.info, "the access log")
        """Raises no exception, because aiohttp would drop the connection."""

    @property
    def enabled(self) -> bool:
        return self.logger.isEnabledFor(logging.INFO)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        if not self.enabled:
            return
        fields = {
            "method": request.method,
            "path": request.rel_url.raw_path[:_MAX_PATH],  # without the query, where clients put tokens
            "status": response.status,
            "duration": round(time, 6),
            "remote": request.remote or "",
            "connection": _connection.get(),
        }
        self._info("%(remote)s %(method)s %(path)s %(status)d in %(duration).3f s %(connection)s", fields, extra=fields)
