"""A LiveKit-compatible server inside this process, for development and tests."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING

from aiohttp import web
from typing_extensions import Self

from livekit._event_loop import check_loop
from livekit._util.logs import fields
from livekit._util.loop_guard import LoopGuard
from livekit._util.loopback import is_loopback
from livekit.webrtc import PeerOptions, create_peer_connection, create_shared_ports, load_peer_connections

from . import limits
from .agents import AgentRoutes
from .auth import TokenAuthority
from .components import Components
from .console import Console
from .events import ParticipantJoined, RoomEvent, RoomFinished, RoomStarted, TrackPublished, TrackUnpublished
from .half_open_limit import HalfOpenLimit
from .http import RtcRoutes, health
from .listener import Listener
from .request_origin import OriginGuard, cors
from .responses import DisconnectReason
from .room import RoomSettings
from .room_manager import RoomManager
from .services import AgentDispatchService, RoomService, TwirpRoutes
from .tasks import OwnedTasks
from .telemetry import Telemetry
from .token_source import TokenSource
from .webhooks import WebhookSettings

if TYPE_CHECKING:
    from livekit.webrtc.network.shared_ports import SharedPorts

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
    """A LiveKit server: RPC, packets, streams and data tracks, and forwarding of audio and video tracks.

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
        node_ip: str | Sequence[str] = (),
        udp_port: int | None = None,
        tcp_port: int | None = None,
    ) -> None:
        """Configure a server; `start` runs it.

        Args:
            host: Address to listen on; `0.0.0.0` for all IPv4 addresses, `::` for those of both families.
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
            node_ip: IP addresses at which clients reach this machine, if not its own: those of the host of a container
                or of a NAT. They replace its own in ICE candidates.
            udp_port: One UDP port for the WebRTC traffic of all participants; 0 selects a free one. By default each
                peer connection has ports of its own.
            tcp_port: TCP port for the WebRTC traffic of clients that cannot use UDP (ICE-TCP); 0 selects a free one.
                By default there is none.

        Raises:
            ValueError: `keys` is empty or has an empty secret, `webhooks` names an unknown API key, `node_ip` is not an
                IP address, or a port is out of range.
        """
        self._webhook_settings = webhooks or WebhookSettings(())
        _check_settings(keys, self._webhook_settings, (port, udp_port, tcp_port))
        self._host = host
        self._port = port
        self._authority = TokenAuthority(dict(keys))
        self._settings = room_settings
        self._peer_options = _peer_options(peer_options, [node_ip] if isinstance(node_ip, str) else node_ip)
        self._udp_port = udp_port
        self._tcp_port = tcp_port
        self._ports: SharedPorts | None = None
        self._origins = OriginGuard(allowed_origins)
        self._has_console = console
        self._tasks = OwnedTasks()
        self._ticker: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        """The event loop that the server runs on."""
        self._listener: Listener | None = None
        self._guard: LoopGuard | None = None
        self._components: Components | None = None

    @property
    def url(self) -> str:
        """The URL that clients connect to, `ws://host:port`."""
        host = "127.0.0.1" if self._host in ("0.0.0.0", "::", "") else self._host
        return f"ws://[{host}]:{self.port}" if ":" in host else f"ws://{host}:{self.port}"

    @property
    def host(self) -> str:
        return self._host

    @property
    def port(self) -> int:
        """The port in use once started; the configured one before."""
        return self._port if self._listener is None else self._listener.port

    @property
    def udp_port(self) -> int | None:
        """The UDP port for all participants: the one in use once started, the configured one before; None for none."""
        return self._udp_port if self._ports is None else self._ports.udp_port

    @property
    def tcp_port(self) -> int | None:
        """The ICE-TCP port: the one in use once started, the configured one before; None for none."""
        return self._tcp_port if self._ports is None else self._ports.tcp_port

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
        self._loop = asyncio.get_running_loop()
        load_peer_connections()
        self._components = Components.assemble(
            self._authority,
            self._loop.time,
            room_settings=self._settings,
            webhook_settings=self._webhook_settings,
            observer=_log_event,
        )
        self._ports = create_shared_ports()
        half_open_limit = HalfOpenLimit()
        self._listener = Listener(self._make_app(self._components, half_open_limit), half_open_limit)
        try:
            await self._listen(self._listener, self._ports)
        except BaseException:
            await self._release()
            raise
        self._guard = LoopGuard(
            lambda: f"the server at {self.url} was not closed: await server.aclose(), or use `async with DevServer()`",
            self.aclose,
        )
        self._ticker = self._tasks.spawn(self._tick(self._components), name="server tick")
        self._components.start(self._tasks)
        logger.info("serving on %s", self.url)

    async def _listen(self, listener: Listener, ports: SharedPorts) -> None:
        """Listen on all ports. Raises ServerStartError."""
        kind, host, port = "port", self._host, self._port
        try:
            await listener.start(host, port)
            host = "this machine"
            if self._udp_port is not None:
                kind, port = "UDP port", self._udp_port
                await ports.open_udp(port)
            if self._tcp_port is not None:
                kind, port = "ICE-TCP port", self._tcp_port
                await ports.open_tcp(port)
        except OSError as error:
            raise _start_error(error, kind, host, port) from error

    async def aclose(self) -> None:
        """Close all rooms and stop, within 5 seconds; safe to call twice."""
        if self._loop is not None and not self._loop.is_closed():
            check_loop(self._loop)
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
        make_peer = partial(create_peer_connection, ports=self._ports)
        RtcRoutes(rooms, self._authority, self._tasks, peer_options=self._peer_options, make_peer=make_peer).add_to(app)
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
        ports, self._ports = self._ports, None
        if ports is not None:
            await ports.aclose()
        self._loop = None
        if self._guard is not None:
            self._guard.close()

    def _development_keys(self) -> list[str]:
        return [key for key, secret in self._authority.keys.items() if DEV_KEYS.get(key) == secret]

    def _warn_if_exposed(self) -> None:
        if self._development_keys() and not is_loopback(self._host):
            logger.warning(
                "listening on %s, which other machines can reach, with the publicly known development key; "
                "choose a key and a secret of your own (--keys, or keys= of DevServer)",
                self._host or "all addresses",
            )


def _check_settings(keys: Mapping[str, str], webhooks: WebhookSettings, ports: Sequence[int | None]) -> None:
    if not keys or not all(keys.values()):
        raise ValueError("a server needs at least one API key, and a secret for each")
    for port in ports:
        if port is not None and not 0 <= port <= 65_535:
            raise ValueError(f"a port must be a number from 0 to 65535, got {port}")
    if webhooks.api_key not in ("", *keys):
        raise ValueError(f"cannot sign webhooks: there is no API key {webhooks.api_key!r}")


def _start_error(error: OSError, kind: str, host: str, port: int) -> ServerStartError:
    if error.errno == errno.EADDRINUSE:
        remedy = "stop the program that uses it, or choose another port (0 for a free one)"
        message = f"{kind} {port} on {host} is taken: {remedy}"
    elif error.errno == errno.EACCES:
        message = f"{kind} {port} needs the rights of an administrator: choose one from 1024 to 65535"
    else:
        message = (
            f"cannot listen on {host}, {kind} {port}: {error.strerror or error}; choose an address of this machine"
        )
    return ServerStartError(message, host=host, port=port)


def _peer_options(options: PeerOptions | None, node_ips: Sequence[str]) -> PeerOptions:
    """Return the options of the server's peer connections. Raises ValueError if a node IP is not an IP address."""
    try:
        addresses = [ipaddress.ip_address(ip) for ip in node_ips]
    except ValueError as error:
        raise ValueError(f"node_ip must be an IP address, such as 192.0.2.1 or 2001:db8::1: {error}") from error
    if any(address.is_unspecified for address in addresses):
        raise ValueError("node_ip must be an address that clients can reach, not 0.0.0.0 or ::")
    canonical = tuple(map(str, addresses))
    configured = options or PeerOptions()
    # As with LiveKit's server, only clients connect: they could name any address as a passive candidate.
    return replace(configured, active_tcp=False, node_ips=canonical or configured.node_ips)


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
    elif isinstance(event, (TrackPublished, TrackUnpublished)):
        action = "published" if isinstance(event, TrackPublished) else "unpublished"
        logger.info("%r %s track %s in room %r", participant.identity, action, event.track.sid, room, extra=about)
    else:
        reason = DisconnectReason.Name(participant.disconnect_reason)
        logger.info("%r left room %r: %s", participant.identity, room, reason, extra=about)
