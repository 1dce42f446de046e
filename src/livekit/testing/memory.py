"""A room in memory: the real rooms, sessions and server, without a network between them."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from types import TracebackType
from typing import Any, cast
from weakref import WeakValueDictionary

import aiohttp
from aiohttp import web
from typing_extensions import Self

from livekit.errors import ConnectError, ServerUnreachableError
from livekit.options import RoomOptions
from livekit.protocol import models
from livekit.room import Room
from livekit.server.auth import AuthError, TokenAuthority, check_join
from livekit.server.connection import Connection
from livekit.server.devserver import DEV_KEYS, TICK_INTERVAL
from livekit.server.join_request import check_allowed, parse_join
from livekit.server.participant import Participant
from livekit.server.permissions import Grants
from livekit.server.responses import DisconnectReason, leave_response
from livekit.server.room import JoinParameters, RoomSettings
from livekit.server.room import Room as ServerRoom
from livekit.server.rooms import RoomFullError, Rooms
from livekit.server.signal_socket import SignalSocket
from livekit.server.tasks import OwnedTasks
from livekit.session import Session, SessionListener, register_scheme
from livekit.session.webrtc_session import WebRtcSession
from livekit.signaling import SignalConnection, SignalUrls
from livekit.signaling.failures import classify_status

from .announcing import LateAnnouncements
from .faults import Faults
from .lane import Wire
from .memory_peer import MemoryPeer
from .memory_socket import MemorySocket, socket_pair

__all__ = ["MemoryRoom"]

SCHEME = "memory"
_numbers = itertools.count(1)
_by_host: WeakValueDictionary[str, MemoryRoom] = WeakValueDictionary()


class _Line:
    """What connects one identity with the server, from its first join on."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.sockets: tuple[MemorySocket, ...] = ()
        self.peers: list[MemoryPeer] = []

    def new_peer(self, _: object = None) -> MemoryPeer:
        """The server's side of a peer connection."""
        self.peers = [peer for peer in self.peers if peer.is_alive]
        self.peers.append(MemoryPeer(self.wire))
        return self.peers[-1]

    def reset_signal(self) -> None:
        for socket in self.sockets:
            socket.reset()


class MemoryRoom:
    """A room, and the server it is in, inside this process. `Room.connect` takes its `url` and `token` as any other::

        async with MemoryRoom() as memory:
            alice = await memory.join("alice")
            bob = Room()
            await bob.connect(memory.url, memory.token("bob"))

    Everything from `Room` down to serialised packets is what runs over a network, and so is the server; only the
    WebSocket and the peer connection are queues. It belongs to the event loop on which somebody joins first.
    """

    def __init__(
        self,
        name: str = "memory",
        *,
        faults: Faults | None = None,
        seed: int = 0,
        announces_joins: bool = True,
        settings: RoomSettings | None = None,
    ) -> None:
        """`seed` is for everything random about faults. `announces_joins` False: who joins, leaves or becomes ACTIVE
        is told up to 3 seconds late, as a LiveKit server does with participants that publish no media."""
        self.name = name
        self.faults = faults or Faults()
        """What goes wrong for everybody; may be replaced at any time, and counts for what is sent from then on."""
        self.faults_of: dict[str, Faults] = {}
        """What goes wrong for single participants, by identity, instead of `faults`."""
        self.reachable = True
        """False: no signal connection can be made, so that a lost one stays lost."""
        self.api_key, self.api_secret = next(iter(DEV_KEYS.items()))
        self._seed = seed
        self._late = None if announces_joins else LateAnnouncements()
        self._settings = settings
        self._authority = TokenAuthority(DEV_KEYS)
        self._tasks = OwnedTasks()
        self._lines: dict[str, _Line] = {}
        self._rooms: Rooms | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self._joined: list[Room] = []
        self._host = f"memory-{next(_numbers)}"
        _by_host[self._host] = self

    @property
    def url(self) -> str:
        return f"{SCHEME}://{self._host}"

    @property
    def announces_joins(self) -> bool:
        return self._late is None

    @property
    def rooms(self) -> Rooms:
        """What goes on in the server. Raises RuntimeError before the first one joined."""
        if self._rooms is None:
            raise RuntimeError("nobody has joined yet")
        return self._rooms

    def token(
        self,
        identity: str,
        *,
        room: str | None = None,
        name: str = "",
        metadata: str = "",
        attributes: Mapping[str, str] | None = None,
        kind: str = "",
        ttl: float = 6 * 3600.0,
        **grants: object,
    ) -> str:
        """An access token for this room, or another `room` of the same server.

        `grants` are by the names of `livekit.api.VideoGrants`: `can_publish_data=False`, `hidden=True`, ….
        """
        claims = {"name": name, "metadata": metadata, "attributes": dict(attributes or {}), "kind": kind}
        where = self.name if room is None else room
        return self._authority.join_token(self.api_key, identity, where, claims=claims, grants=grants, lifetime=ttl)

    async def join(self, identity: str, *, options: RoomOptions | None = None, **grants: Any) -> Room:
        """A connected `Room`; `aclose` disconnects it. `grants` are those of `token`."""
        room = Room()
        await room.connect(self.url, self.token(identity, **grants), options)
        self._joined.append(room)
        return room

    async def aclose(self) -> None:
        """Disconnect those who came by `join`, and stop the server."""
        joined, self._joined = self._joined, []
        await asyncio.gather(*(room.disconnect() for room in joined))
        if self._rooms is not None:
            self._rooms.close(self._now())
        await self._tasks.aclose(1.0)
        self._stop_ticking()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    # What goes wrong. Each raises KeyError for an identity that has not joined.

    def lose_signal(self, identity: str) -> None:
        """The signal connection of a participant breaks; it resumes. Packets go on flowing."""
        self._lines[identity].reset_signal()

    def lose_transport(self, identity: str) -> None:
        """The peer connections of a participant fail; it reconnects in full, with a new sid."""
        for peer in self._lines[identity].peers:
            peer.fail()

    def hold(self, identity: str) -> None:
        """Nothing gets through to or from a participant until `release`; nothing is lost yet."""
        self._lines[identity].wire.hold()

    def release(self, identity: str) -> None:
        """Let through what `hold` kept."""
        self._lines[identity].wire.release()

    def restart(self, *, downtime: float = 0.0) -> None:
        """The server dies without a word and comes back after `downtime` seconds, knowing of no rooms."""
        for line in self._lines.values():
            line.reset_signal()
            for peer in line.peers:
                peer.break_path()
        self._rooms = None
        if downtime:
            self.reachable = False
            asyncio.get_running_loop().call_later(downtime, self._come_back)

    def shut_down(self) -> None:
        """The server ends every room and says so; it takes new ones."""
        self.rooms.close(self._now())

    def remove(self, identity: str) -> None:
        """Put a participant out, as `RoomService.RemoveParticipant` does."""
        room, participant = self._place(identity)
        room.remove(participant, DisconnectReason.PARTICIPANT_REMOVED, self._now())

    def set_permission(self, identity: str, **changes: bool) -> None:
        """Change what a participant may do, such as ``can_publish_data=False`` or ``hidden=True``."""
        room, participant = self._place(identity)
        permission = models.ParticipantPermission()
        permission.CopyFrom(participant.permission)
        for name, value in changes.items():
            setattr(permission, name, value)
        room.set_permission(participant, permission, self._now())

    def inject(self, identity: str, packet: models.DataPacket) -> None:
        """Send a participant a packet that nobody checked or stamped, as a server that lies would."""
        _, participant = self._place(identity)
        participant.link.send_packet(packet.SerializeToString(), reliable=True)

    # The server's side

    def _place(self, identity: str) -> tuple[ServerRoom, Participant]:
        for room in self.rooms.rooms:
            if identity in room.participants:
                return room, room.participants[identity]
        raise KeyError(identity)

    def _line(self, identity: str) -> _Line:
        line = self._lines.get(identity)
        if line is None:
            faults: Callable[[], Faults] = lambda: self.faults_of.get(identity, self.faults)  # noqa: E731
            line = self._lines[identity] = _Line(Wire(faults, Random(f"{self._seed} {identity}")))
        return line

    async def open_signal(self, urls: SignalUrls, token: str, progress: Callable[[str], None]) -> SignalConnection:
        """Takes the place of `SignalConnection.open`."""
        progress(f"connecting to {self.url}")
        try:
            grants = self._authority.verify(token)
            await asyncio.sleep(2 * self._line(grants.identity).wire.faults().delay)
            if not self.reachable:
                raise ServerUnreachableError(f"no connection to {self.url}: it is not reachable")
            parameters = self._admit(grants, urls)
        except AuthError as error:
            raise classify_status(error.status, error.message, urls.websocket) from error
        line = self._line(grants.identity)
        near, far = line.sockets = socket_pair(line.wire)
        socket = SignalSocket(cast(web.WebSocketResponse, far), self._tasks)
        if self._late is not None:
            self._late.watch(far)
        self._tasks.run(self._serve(socket, grants, parameters, line), name=f"serve {grants.identity}")
        return SignalConnection(cast(aiohttp.ClientSession, _NoSession()), cast(Any, near))

    def _admit(self, grants: Grants, urls: SignalUrls) -> JoinParameters:
        check_join(grants)
        single = urls.websocket.path == "/rtc/v1"
        parameters = parse_join(urls.websocket.query, single_peer_connection=single)
        check_allowed(grants, parameters)
        try:
            self._running().check_space(grants)
        except RoomFullError as error:
            raise AuthError(503, str(error)) from error
        return parameters

    async def _serve(self, socket: SignalSocket, grants: Grants, parameters: JoinParameters, line: _Line) -> None:
        try:
            await self._connection(socket, grants, parameters, line)
        finally:
            await socket.aclose()

    def _connection(
        self, socket: SignalSocket, grants: Grants, parameters: JoinParameters, line: _Line
    ) -> Awaitable[None]:
        rooms = self._running()
        if parameters.reconnect:
            found = rooms.find_resumable(grants, parameters.participant_sid)
            if found is None or not isinstance(found[1].link, Connection):
                socket.send(leave_response(DisconnectReason.STATE_MISMATCH))
                return asyncio.sleep(0)
            return found[1].link.resume(socket, parameters)
        connection = Connection(
            socket,
            self._tasks,
            single_peer_connection=parameters.single_peer_connection,
            options=None,
            make_peer=line.new_peer,
        )
        room, participant = rooms.join(grants, parameters, connection, self._now())
        return connection.start(room, participant, parameters)

    def _running(self) -> Rooms:
        """The rooms, made when the first one joins."""
        if self._rooms is None:
            self._rooms = Rooms(
                settings=self._settings,
                epoch=time.time() - self._now(),
                refresh_token=self._authority.refresh,
            )
            self._tick()
        return self._rooms

    def _tick(self) -> None:
        """As long as there are rooms, notice who is gone."""
        self._stop_ticking()
        if self._rooms is not None:
            self._rooms.tick(self._now())
            self._ticker = asyncio.get_running_loop().call_later(TICK_INTERVAL, self._tick)

    def _stop_ticking(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None

    def _come_back(self) -> None:
        self.reachable = True

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


class _NoSession:
    """In the place of an HTTP client session."""

    async def close(self) -> None:
        return None


def _open(url: str, token: str, options: RoomOptions, listener: SessionListener) -> Session:
    host = url.partition("://")[2]
    memory = _by_host.get(host)
    if memory is None:
        raise ConnectError(f"there is no room in memory at {url!r} (any more): keep the MemoryRoom while it is used")
    return WebRtcSession(
        f"ws://{host}", token, options, listener, make_peer=lambda _: MemoryPeer(), open_signal=memory.open_signal
    )


register_scheme(SCHEME, _open)
