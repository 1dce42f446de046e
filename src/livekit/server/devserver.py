"""A LiveKit-compatible server inside this process, for development and tests."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Collection, Mapping
from types import TracebackType

from aiohttp import web
from typing_extensions import Self

from livekit._util.logs import fields
from livekit.webrtc import PeerOptions

from . import limits
from .agents import AgentRoutes
from .auth import TokenAuthority
from .components import Components
from .console import Console
from .events import ParticipantJoined, RoomEvent, RoomFinished, RoomStarted
from .half_open_limit import HalfOpenLimit
from .http import RtcRoutes, health
from .listener import Listener
from .request_origin import OriginGuard, cors, is_loopback
from .responses import DisconnectReason
from .room import RoomSettings
from .room_manager import RoomManager
from .services import AgentDispatchService, RoomService, TwirpRoutes
from .tasks import OwnedTasks
from .telemetry import Telemetry
from .token_source import TokenSource
from .webhooks import WebhookSettings

logger = logging.getLogger(__name__)

DEFAULT_PORT = 7880
DEV_KEYS: Mapping[str, str] = {"devkey": "secret"}
"""What development servers of LiveKit use; anybody knows them."""

TICK_INTERVAL = 0.5
CLOSE_GRACE = 2.5
"""Seconds for telling the clients that the server stops."""


class ServerStartError(OSError):
    """The server cannot listen at its address; the message says why and what to do."""

    def __init__(self, message: str, *, host: str, port: int) -> None:
        super().__init__(message)
        self.host = host
        self.port = port


class DevServer(TokenSource):
    """Serves LiveKit rooms for data: RPC, packets and streams; no audio or video.

    Use it as an async context manager, or call `start` and `aclose`.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        *,
        keys: Mapping[str, str] = DEV_KEYS,
        allowed_origins: Collection[str] = (),
        room_settings: RoomSettings | None = None,
        peer_options: PeerOptions | None = None,
        webhooks: WebhookSettings | None = None,
        console: bool = False,
    ) -> None:
        """`port` 0 picks a free one. `keys` are API secrets by API key. Raises ValueError if `keys` is empty.

        With the development key, which everybody knows, web pages from outside this machine and its private network
        are refused, but for those of `allowed_origins`, such as `https://app.example.com`, or `*` for all.

        `webhooks` are posted to other programs when something happens in a room.

        `console` serves a page at `console_url` that shows what goes on, to browsers on this machine only.
        """
        if not keys or not all(keys.values()):
            raise ValueError("a server needs at least one API key, each with a secret")
        self._webhook_settings = webhooks or WebhookSettings(())
        if self._webhook_settings.api_key not in ("", *keys):
            raise ValueError(f"webhooks cannot be signed: no API key {self._webhook_settings.api_key!r}")
        self._host = host
        self._port = port
        self._authority = TokenAuthority(dict(keys))
        self._settings = room_settings
        self._peer_options = peer_options
        self._origins = OriginGuard(allowed_origins)
        self._has_console = console
        self._tasks = OwnedTasks()
        self._ticker: asyncio.Task[None] | None = None
        self._listener: Listener | None = None
        self._components: Components | None = None

    @property
    def url(self) -> str:
        """Where clients connect, as `ws://host:port`."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self._host, self._host)
        return f"ws://[{host}]:{self.port}" if ":" in host else f"ws://{host}:{self.port}"

    @property
    def host(self) -> str:
        return self._host

    @property
    def port(self) -> int:
        """The port in use once started; before that, the one asked for."""
        return self._port if self._listener is None else self._listener.port

    @property
    def api_key(self) -> str:
        """The first API key."""
        return next(iter(self._authority.keys))

    @property
    def api_secret(self) -> str:
        """The secret of `api_key`."""
        return self._authority.keys[self.api_key]

    @property
    def console_url(self) -> str | None:
        """Where the console is; None without one, or where no address of this machine alone is listened on."""
        if not self._has_console or not (is_loopback(self._host) or self._host in ("0.0.0.0", "::", "")):
            return None
        return self.url.replace("ws", "http", 1) + "/"

    @property
    def rooms(self) -> RoomManager:
        """What goes on in the server. Raises RuntimeError unless it is running."""
        if self._components is None:
            raise RuntimeError("the server is not running")
        return self._components.rooms

    async def start(self) -> None:
        """Listen and serve in the background. Raises ServerStartError; nothing is left then."""
        if self._listener is not None:
            raise RuntimeError("the server is running already")
        self._warn_if_exposed()
        self._components = Components.assemble(
            self._authority,
            asyncio.get_running_loop().time,
            room_settings=self._settings,
            webhook_settings=self._webhook_settings,
            observer=_log_event,
        )
        half_open_limit = HalfOpenLimit()
        self._listener = Listener(self._make_app(self._components, half_open_limit), half_open_limit)
        try:
            await self._listener.start(self._host, self._port)
        except BaseException as error:
            await self._release()
            if isinstance(error, OSError):
                raise _start_error(error, self._host, self._port) from error
            raise
        self._ticker = self._tasks.spawn(self._tick(self._components), name="server tick")
        self._components.start(self._tasks)
        logger.info("serving on %s", self.url)

    async def aclose(self) -> None:
        """Put everybody out and stop, within 5 seconds; safe to call twice."""
        if self._components is not None:
            self._components.close()
        await self._release()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _make_app(self, components: Components, half_open_limit: HalfOpenLimit) -> web.Application:
        rooms, clock = components.rooms, components.clock
        origins = [self._origins.middleware] if self._known_keys() else []
        telemetry = Telemetry(components)
        middlewares = [telemetry.middleware, cors, *origins, half_open_limit.middleware]
        app = web.Application(middlewares=middlewares, client_max_size=limits.MAX_REQUEST_BODY)
        if self._has_console:
            Console(self, rooms).add_to(app)
        else:
            app.router.add_get("/", health)
        RtcRoutes(rooms, self._authority, self._tasks, peer_options=self._peer_options).add_to(app)
        telemetry.add_to(app)
        AgentRoutes(components.agents, self._authority, self._tasks).add_to(app)
        services = {
            "RoomService": RoomService(rooms, clock).methods,
            "AgentDispatchService": AgentDispatchService(rooms, components.agents, clock).methods,
        }
        TwirpRoutes(self._authority, services).add_to(app)
        return app

    async def _tick(self, components: Components) -> None:
        while True:
            await asyncio.sleep(TICK_INTERVAL)
            components.tick()

    async def _release(self) -> None:
        listener, self._listener, self._components = self._listener, None, None
        if self._ticker is not None:
            self._ticker.cancel()
        if listener is not None:
            await listener.aclose()
        await self._tasks.aclose(CLOSE_GRACE)

    def _known_keys(self) -> list[str]:
        return [key for key, secret in self._authority.keys.items() if DEV_KEYS.get(key) == secret]

    def _warn_if_exposed(self) -> None:
        if self._known_keys() and not is_loopback(self._host):
            logger.warning(
                "listening on %s, beyond this machine, with the development key that everybody knows; "
                "pass keys={...} with a secret of your own",
                self._host or "every address",
            )


def _start_error(error: OSError, host: str, port: int) -> ServerStartError:
    if error.errno == errno.EADDRINUSE:
        what = f"port {port} on {host} is taken: stop what uses it, or choose another port (0 picks a free one)"
    else:
        what = f"cannot listen on {host}, port {port}: {error.strerror or error}; choose an address of this machine"
    return ServerStartError(what, host=host, port=port)


def _log_event(event: RoomEvent) -> None:
    room = event.room.name
    if isinstance(event, RoomStarted):
        logger.info("room %r started", room, extra=fields(room=room))
        return
    if isinstance(event, RoomFinished):
        logger.info("room %r finished", room, extra=fields(room=room))
        return
    who = event.participant
    about = fields(room=room, participant=who.identity, connection=who.sid)
    if isinstance(event, ParticipantJoined):
        logger.info("%r joined room %r as %s", who.identity, room, who.sid, extra=about)
    else:
        reason = DisconnectReason.Name(who.disconnect_reason)
        logger.info("%r left room %r: %s", who.identity, room, reason, extra=about)
