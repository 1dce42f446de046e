"""A record for every HTTP request, of logger `livekit.access`, without what is secret in its URL."""

from __future__ import annotations

import logging
from contextvars import ContextVar

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

logger = logging.getLogger("livekit.access")

_MAX_PATH = 256
_name: ContextVar[str] = ContextVar("connection", default="")


def name_connection(name: str) -> None:
    """Say what other logs call the connection that the present request became, such as the sid of its participant."""
    _name.set(name)


class AccessLog(AbstractAccessLogger):
    """Logs method, path, status, duration in seconds, remote address and connection as `extra` fields too."""

    @property
    def enabled(self) -> bool:
        return self.logger.isEnabledFor(logging.INFO)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        if not self.enabled:
            return
        fields = {
            "method": request.method,
            "path": request.rel_url.raw_path[:_MAX_PATH],  # not the query, where clients put tokens
            "status": response.status,
            "duration": round(time, 6),
            "remote": request.remote or "",
            "connection": _name.get(),
        }
        self.logger.info(
            "%(remote)s %(method)s %(path)s %(status)d in %(duration).3f s %(connection)s", fields, extra=fields
        )
