"""HTTP routes of the console: its page, live updates and actions, for requests from this machine only."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, cast

from aiohttp import hdrs, web

from livekit._util.aio import loop_time
from livekit._version import __version__
from livekit.rpc import wire
from livekit.rpc.errors import RpcError, built_in_error
from livekit.rpc.invocation import RpcCallInfo
from livekit.server.http import health
from livekit.server.request_origin import is_cross_site, is_local, local_only
from livekit.server.room_manager import RoomManager
from livekit.server.services.backend_calls import BackendCalls
from livekit.server.services.twirp import TwirpError, await_call

from .event_stream import EventStreams
from .observer import Observer
from .pages import INDEX, Pages
from .participant_actions import ParticipantActions
from .request_parsing import (
    InputError,
    parse_call,
    parse_message,
    parse_participant,
    parse_payloads,
    parse_token,
    parse_update,
)

PREFIX = "/console"
KEY_HEADER = "X-Console-Key"
"""Header with the key from the first update, which pages of other origins cannot read (CSRF protection)."""
METHODS_TIMEOUT = 5.0
_UNRESPONSIVE_CODES = frozenset(
    {RpcError.ErrorCode.UNSUPPORTED_METHOD, RpcError.ErrorCode.CONNECTION_TIMEOUT, RpcError.ErrorCode.RESPONSE_TIMEOUT}
)
"""Errors after which a participant is not asked again. In encrypted rooms clients drop and log each request."""
MAX_LOGGED_PATH = 200

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Action = Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]


class ConsoleServer(Protocol):
    """The part of a server that its console uses."""

    @property
    def url(self) -> str: ...

    def token(self, identity: str, *, room: str, name: str, ttl: float, **grants: Any) -> str: ...


class Console:
    """The web console of a server."""

    def __init__(self, server: ConsoleServer, rooms: RoomManager) -> None:
        """Create a console; must happen before rooms exist."""
        self._server = server
        self._rooms = rooms
        self._calls = BackendCalls(rooms)
        self._participants = ParticipantActions(rooms, loop_time)
        self._observer = Observer()
        self._key = secrets.token_urlsafe(24)
        self._pages = Pages()
        self._event_streams = EventStreams(rooms, self._observer, self._greeting)
        self._actions: dict[str, Action] = {
            "token": self._mint,
            "call": self._call,
            "methods": self._ask_methods,
            "payloads": self._set_keep_payloads,
            "send": self._send,
            "participant": self._describe,
            "update": self._update,
            "remove": self._remove,
        }

    def add_to(self, app: web.Application) -> None:
        """Observe the rooms and register the routes, including `/`."""
        self._rooms.packet_observer = self._observer
        _ = self._rooms.observe(lambda event: self._observer.room_event(event, loop_time()))
        app.middlewares.insert(0, self._log_refusals)
        app.router.add_get("/", self._root)
        app.router.add_get(f"{PREFIX}/feed", local_only(self._event_streams.serve))
        app.router.add_get(f"{PREFIX}/{{file}}", local_only(self._file))
        app.router.add_post(f"{PREFIX}/{{action}}", local_only(self._act))
        app.on_shutdown.append(self._stop)

    @web.middleware
    async def _log_refusals(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Log rejected requests; must be the outermost middleware."""
        try:
            response = await handler(request)
        except web.HTTPException as error:
            self._log_refusal(request, error)
            raise
        except Exception:
            self._log_refusal(request, web.HTTPInternalServerError())
            raise
        self._log_refusal(request, response)
        return response

    def _log_refusal(self, request: web.Request, response: web.StreamResponse) -> None:
        path = request.path
        if response.status >= 400 and not path.startswith(PREFIX) and path != "/favicon.ico":
            text = (response.text if isinstance(response, web.Response) else None) or response.reason or ""
            who = f"{request.method} {path[:MAX_LOGGED_PATH]}"
            self._observer.event_log.write(f"status {response.status}: {text}", loop_time(), who=who, is_problem=True)

    async def _root(self, request: web.Request) -> web.StreamResponse:
        """Serve the page to browsers on this machine, and the health check of LiveKit servers to all other clients."""
        if "text/html" in request.headers.get(hdrs.ACCEPT, "") and is_local(request) and not is_cross_site(request):
            return self._pages.response(INDEX)
        return await health(request)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return self._pages.response(request.match_info["file"])

    async def _act(self, request: web.Request) -> web.StreamResponse:
        action = self._actions.get(request.match_info["action"])
        if action is None:
            raise web.HTTPNotFound
        key = request.headers.get(KEY_HEADER, "").encode("utf-8", "surrogateescape")
        if not secrets.compare_digest(key, self._key.encode()):
            raise web.HTTPForbidden(text="the server has restarted; reload the page")
        try:
            result = await await_call(action(await _body(request)), request)
        except InputError as error:
            return web.json_response({"error": str(error)}, status=400)
        except TwirpError as error:
            return web.json_response({"error": error.message}, status=400)
        return web.json_response(result, headers={"Cache-Control": "no-store"})

    async def _mint(self, body: dict[str, Any]) -> dict[str, Any]:
        parsed = parse_token(body)
        lifetime = parsed.hours * 3600.0
        token = self._server.token(parsed.identity, room=parsed.room, name=parsed.name, ttl=lifetime, **parsed.grants)
        return {"token": token}

    async def _call(self, body: dict[str, Any]) -> dict[str, Any]:
        """Call a method; the page cancels the call by aborting its request."""
        parsed = parse_call(body)
        call = RpcCallInfo(parsed.to, parsed.method, parsed.payload, response_timeout=parsed.timeout)
        started = loop_time()
        try:
            response = await self._perform(parsed.room, call)
        except RpcError as error:
            outcome: dict[str, Any] = {"code": int(error.code), "message": error.message, "data": error.data}
        else:
            outcome = {"payload": response}
        return {**outcome, "took": round((loop_time() - started) * 1000, 2)}

    async def _ask_methods(self, body: dict[str, Any]) -> dict[str, Any]:
        room, identity = parse_participant(body)
        known_methods = self._observer.methods
        if known_methods.is_unresponsive(room, identity):
            return {}
        call = RpcCallInfo(identity, wire.METHODS_METHOD, "", response_timeout=METHODS_TIMEOUT)
        try:
            known_methods.announce(room, identity, wire.parse_methods(await self._perform(room, call)) or ())
        except RpcError as error:
            if error.code in _UNRESPONSIVE_CODES:
                known_methods.mark_unresponsive(room, identity)
        return {}

    async def _perform(self, room_name: str, call: RpcCallInfo) -> str:
        room = self._rooms.get(room_name)
        if room is None or call.destination_identity not in room.participants:
            raise built_in_error(RpcError.ErrorCode.RECIPIENT_NOT_FOUND)
        return await self._calls.call(room, call)

    async def _send(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"receivers": self._participants.send(parse_message(body))}

    async def _describe(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._participants.describe(*parse_participant(body))

    async def _update(self, body: dict[str, Any]) -> dict[str, Any]:
        self._participants.update(parse_update(body))
        return {}

    async def _remove(self, body: dict[str, Any]) -> dict[str, Any]:
        self._participants.remove(*parse_participant(body))
        return {}

    async def _set_keep_payloads(self, body: dict[str, Any]) -> dict[str, Any]:
        self._observer.calls.set_keep_payloads(parse_payloads(body))
        return {}

    def _greeting(self) -> dict[str, Any]:
        return {"key": self._key, "url": self._server.url, "version": __version__}

    async def _stop(self, app: web.Application) -> None:
        self._event_streams.close()


async def _body(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise InputError("the body must be JSON")
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise InputError("the body is not JSON") from error
    if not isinstance(body, dict):
        raise InputError("the body is not an object")
    return cast("dict[str, Any]", body)
