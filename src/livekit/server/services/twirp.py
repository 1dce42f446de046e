"""Twirp v7 over HTTP: POST with a protobuf or JSON message; the response has the same format, errors are JSON."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

from aiohttp import web
from google.protobuf.message import DecodeError, Message

from livekit._util.aio import start_task
from livekit.server.auth import AuthError, TokenAuthority
from livekit.server.http import bearer_token
from livekit.server.permissions import Grants

from . import protojson

logger = logging.getLogger(__name__)

STATUSES: Final[Mapping[str, int]] = {
    "canceled": 408,
    "unknown": 500,
    "invalid_argument": 400,
    "malformed": 400,
    "deadline_exceeded": 408,
    "not_found": 404,
    "bad_route": 404,
    "already_exists": 409,
    "permission_denied": 403,
    "unauthenticated": 401,
    "resource_exhausted": 429,
    "failed_precondition": 412,
    "aborted": 409,
    "out_of_range": 400,
    "unimplemented": 501,
    "internal": 500,
    "unavailable": 503,
    "dataloss": 500,
}
"""HTTP status by error code."""

TIMEOUT_HEADER = "X-Twirp-Timeout-Ms"
"""The caller's timeout, sent by LiveKit's Go SDK."""

HANG_UP_INTERVAL = 0.25
"""Seconds between checks whether the caller has disconnected."""

_PACKAGE = "livekit"
_MEDIA_SERVICES = frozenset({"Connector", "Egress", "Ingress", "SIP"})
_JSON = "application/json"
_PROTOBUF = "application/protobuf"
_MAX_TIMEOUT_DIGITS = 12
_NO_GRANTS = Grants(api_key="")
"""Grants of requests without a token."""

M = TypeVar("M", bound=Message)
T = TypeVar("T")
Fill = Callable[[Message], None]
Method = Callable[[Grants, Fill], Coroutine[Any, Any, Message]]
"""Handles a request; see :func:`method`."""
Services = Mapping[str, Mapping[str, Method]]
"""Methods by service name and method name."""


class TwirpError(Exception):
    """A Twirp error response.

    Args:
        code: a key of `STATUSES`.
        message: human-readable.
        meta: machine-readable details.
    """

    def __init__(self, code: str, message: str, meta: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code: Final = code
        self.message: Final = message
        self.meta: Final = dict(meta or {})


def method(request: type[M], handle: Callable[[Grants, M], Message | Awaitable[Message]]) -> Method:
    """Return a method with request messages of type `request`; a TwirpError of `handle` becomes the response."""

    async def serve(grants: Grants, fill: Fill) -> Message:
        message = request()
        fill(message)
        response = handle(grants, message)
        return await response if inspect.isawaitable(response) else response

    return serve


class TwirpRoutes:
    """`POST /twirp/livekit.<Service>/<Method>`."""

    def __init__(self, authority: TokenAuthority, services: Services) -> None:
        """Serve `services`, which are named without the package."""
        self._authority = authority
        self._services = services

    def add_to(self, app: web.Application) -> None:
        """Register the routes."""
        # The optional slash allows base URLs with a trailing slash.
        app.router.add_route("*", "/{slash:/?}twirp/{route:.*}", self._serve)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._respond(request)
        except TwirpError as error:
            logger.info("%r: %s", request.path, error.code)  # the text may contain application data
            return _error_response(error)
        except AuthError as error:
            logger.info("%r: %s", request.path, error.message)
            return _error_response(TwirpError("unauthenticated", error.message))
        except Exception:
            logger.exception("%r failed", request.path)
            return _error_response(TwirpError("internal", "the server failed; its log says how"))

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        token = bearer_token(request)
        grants = self._authority.verify(token) if token else _NO_GRANTS
        serve = self._method(request)
        content_type = request.headers.get("Content-Type", "")
        fill, to_response = _codec(content_type.partition(";")[0].strip().lower(), request)
        body = await request.read()
        call = serve(grants, lambda message: fill(message, body))
        return to_response(await await_call(call, request))

    def _method(self, request: web.Request) -> Method:
        if request.method != "POST":
            raise _bad_route(request, f'unsupported method "{request.method}" (only POST is allowed)')
        package, _, route = request.match_info["route"].partition(".")
        service, _, name = route.partition("/")
        found = self._services.get(service, {}).get(name)
        if package == _PACKAGE and service in _MEDIA_SERVICES:
            raise TwirpError("unimplemented", f"no {service} on this server")
        if package != _PACKAGE or found is None:
            raise _bad_route(request, f'no handler for path "{request.path}"')
        return found


Codec = tuple[Callable[[Message, bytes], None], Callable[[Message], web.Response]]


def _codec(content_type: str, request: web.Request) -> Codec:
    if content_type == _JSON:
        return fill_json, _json_response
    if content_type == _PROTOBUF:
        return fill_protobuf, _protobuf_response
    raise _bad_route(request, f'unexpected Content-Type: "{request.headers.get("Content-Type", "")}"')


def fill_json(message: Message, body: bytes) -> None:
    try:
        protojson.parse(body, message)
    except protojson.JsonError as error:
        raise TwirpError("malformed", "the json request could not be decoded") from error


def _json_response(message: Message) -> web.Response:
    return web.Response(body=protojson.to_json(message).encode(), content_type=_JSON)


def fill_protobuf(message: Message, body: bytes) -> None:
    try:
        message.ParseFromString(body)
    except DecodeError as error:
        raise TwirpError("malformed", "the protobuf request could not be decoded") from error


def _protobuf_response(message: Message) -> web.Response:
    return web.Response(body=message.SerializeToString(), content_type=_PROTOBUF)


async def await_call(call: Coroutine[Any, Any, T], request: web.Request) -> T:
    """Await a call; cancel it and raise TwirpError if the caller disconnects or its timeout expires."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + _timeout(request)
    task = start_task(call)
    try:
        while not (await asyncio.wait({task}, timeout=min(HANG_UP_INTERVAL, deadline - clock())))[0]:
            if request.transport is None:
                raise TwirpError("canceled", "the caller hung up")
            if clock() >= deadline:
                raise TwirpError("deadline_exceeded", f"not done within the time of {TIMEOUT_HEADER}")
        return task.result()
    finally:
        if task.cancel():
            await asyncio.wait({task})


def _timeout(request: web.Request) -> float:
    value = request.headers.get(TIMEOUT_HEADER, "")
    return int(value) / 1000 if value.isdecimal() and len(value) <= _MAX_TIMEOUT_DIGITS else math.inf


def _bad_route(request: web.Request, message: str) -> TwirpError:
    return TwirpError("bad_route", message, {"twirp_invalid_route": f"{request.method} {request.path}"})


def _error_response(error: TwirpError) -> web.Response:
    body = {"code": error.code, "msg": error.message, **({"meta": error.meta} if error.meta else {})}
    text = json.dumps(body, separators=(",", ":"))
    return web.Response(body=text.encode(), status=STATUSES[error.code], content_type=_JSON)
