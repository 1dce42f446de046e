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
"""The publicly known key and secret of LiveKit's development servers."""

TICK_INTERVAL = 0.5
"""Seconds between two expirations of timeouts."""
CLOSE_GRACE = 2.5
"""Seconds to notify clients and webhooks of a shutdown."""


class ServerStartError(OSError):
    """The server cannot listen on its address; the message states the reason and the remedy."""

    def __init__(self, message: str, *, host: str, port: int) -> None:
        super().__init__(message)
        self.host = host
        self.port = port


class DevServer(TokenSource):
    """A LiveKit server for data: RPC, packets, streams and data tracks; no audio or video.

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
        """Configure a server; `start` runs it.

        Args:
            host: Address to listen on.
            port: 0 selects a free port.
            keys: API secrets by API key. With the development key, which is publicly known, web pages from outside
                this machine and its private network are refused.
            allowed_origins: Origins that may use the development key nevertheless, such as `https://app.example.com`;
                `*` allows all.
            room_settings: Settings of rooms where their creator sets none. With ``RoomSettings(departure_timeout=0)``
                a room ends as soon as its last participant has left, instead of 20 s later as on LiveKit servers.
            peer_options: Options of the server's peer connections.
            webhooks: URLs that room events are posted to.
            console: Serve a page about rooms, calls and events at `console_url`, to browsers on this machine only.

        Raises:
            ValueError: `keys` is empty or has an empty secret, or `webhooks` names an unknown API key.
        """
        if not keys or not all(keys.values()):
            raise ValueError("a server needs at least one API key, and a secret for each")
        self._webhook_settings = webhooks or WebhookSettings(())
        if self._webhook_settings.api_key not in ("", *keys):
            raise ValueError(f"cannot sign webhooks: there is no API key {self._webhook_settings.api_key!r}")
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
        """The URL that clients connect to, `ws://host:port`."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self._host, self._host)
        return f"ws://[{host}]:{self.port}" if ":" in host else f"ws://{host}:{self.port}"

    @property
    def host(self) -> str:
        return self._host

    @property
    def port(self) -> int:
        """The port in use once started; the configured one before."""
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
        """The URL of the console; None without a console, or if the server does not listen on a loopback address."""
        if not self._has_console or not (is_loopback(self._host) or self._host in ("0.0.0.0", "::", "")):
            return None
        return self.url.replace("ws", "http", 1) + "/"

    @property
    def rooms(self) -> RoomManager:
        """The rooms. Raises RuntimeError unless the server is running."""
        if self._components is None:
            raise RuntimeError("the server is not running")
        return self._components.rooms

    async def start(self) -> None:
        """Listen and serve in the background.

        Raises:
            ServerStartError: The address cannot be listened on; all resources are released.
        """
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
        """Close all rooms and stop, within 5 seconds; safe to call twice."""
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
        origins = [self._origins.middleware] if self._development_keys() else []
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

    def _development_keys(self) -> list[str]:
        return [key for key, secret in self._authority.keys.items() if DEV_KEYS.get(key) == secret]

    def _warn_if_exposed(self) -> None:
        if self._development_keys() and not is_loopback(self._host):
            logger.warning(
                "listening on %s, which other machines can reach, with the publicly known development key; "
                "pass keys={...} with a secret of your own",
                self._host or "all addresses",
            )


def _start_error(error: OSError, host: str, port: int) -> ServerStartError:
    if error.errno == errno.EADDRINUSE:
        message = (
            f"port {port} on {host} is taken: stop the program that uses it, or choose another port (0 for a free one)"
        )
    else:
        message = f"cannot listen on {host}, port {port}: {error.strerror or error}; choose an address of this machine"
    return ServerStartError(message, host=host, port=port)


def _log_event(event: RoomEvent) -> None:
    room = event.room.name
    if isinstance(event, RoomStarted):
        logger.info("room %r started", room, extra=fields(room=room))
        return
    if isinstance(event, RoomFinished):
        logger.info("room %r finished", room, extra=fields(room=room))
        return
    participant = event.participant
    about = fields(room=room, participant=participant.identity, connection=participant.sid)
    if isinstance(event, ParticipantJoined):
        logger.info("%r joined room %r as %s", participant.identity, room, participant.sid, extra=about)
    else:
        reason = DisconnectReason.Name(participant.disconnect_reason)
        logger.info("%r left room %r: %s", participant.identity, room, reason, extra=about)
