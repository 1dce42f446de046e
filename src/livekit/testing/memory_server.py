"""The server of in-memory rooms: the embedded server's core and connections on in-memory links."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, cast

import aiohttp
from aiohttp import web

from livekit._event_loop import check_loop
from livekit._http.refusals import Refusal
from livekit._util.loop_guard import LoopGuard
from livekit.errors import ServerUnreachableError
from livekit.server.admission import check_admission, parse_authorized_join
from livekit.server.auth import AuthError, TokenAuthority
from livekit.server.connection import Connection
from livekit.server.devserver import TICK_INTERVAL
from livekit.server.participant import Participant
from livekit.server.permissions import Grants
from livekit.server.responses import DisconnectReason, leave_response
from livekit.server.room import JoinParameters, Room, RoomSettings
from livekit.server.room_manager import JoinRefusedError, RoomManager
from livekit.server.signal_socket import SignalSocket
from livekit.server.tasks import OwnedTasks
from livekit.server.transport_manager import PeerFactory
from livekit.signaling import SignalConnection, SignalUrls
from livekit.signaling.failures import classify_status

from .faults import Faults
from .late_announcements import LateAnnouncements
from .memory_link import MemoryLink
from .memory_peer import MemoryPeer
from .memory_socket import MemorySocket, socket_pair

__all__ = ["MemoryServer"]

CLOSE_GRACE = 1.0
"""Seconds allowed for notifying the clients that the server stops."""


class ClientLink:
    """The link, sockets and peer connections of one identity, from its first join on."""

    def __init__(self, link: MemoryLink) -> None:
        self.link = link
        self.sockets: tuple[MemorySocket, ...] = ()
        self.peers: list[MemoryPeer] = []

    def new_peer(self, _: object = None) -> MemoryPeer:
        """Return the server's side of a new peer connection."""
        self.peers = [peer for peer in self.peers if peer.is_alive]
        self.peers.append(MemoryPeer(self.link))
        return self.peers[-1]

    async def aclose(self) -> None:
        """Close the peer connections and the link."""
        for peer in self.peers:
            await peer.close()
        self.link.close()

    def reset_signal(self) -> None:
        """Break the signal connection."""
        for socket in self.sockets:
            socket.reset()


class MemoryServer:
    """Replaces `livekit.server.DevServer` for in-memory rooms."""

    def __init__(
        self,
        authority: TokenAuthority,
        faults_of: Callable[[str], Faults],
        *,
        seed: int,
        announces_joins: bool,
        settings: RoomSettings | None,
    ) -> None:
        self.reachable = True
        self.clients: dict[str, ClientLink] = {}
        """Client links by identity."""
        self._authority = authority
        self._faults_of = faults_of
        self._seed = seed
        self._late = None if announces_joins else LateAnnouncements()
        self._settings = settings
        self._tasks = OwnedTasks()
        self._rooms: RoomManager | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        """The event loop of the first join."""
        self._ticker: asyncio.TimerHandle | None = None
        self._guard: LoopGuard | None = None
        self._recovery: asyncio.TimerHandle | None = None

    @property
    def rooms(self) -> RoomManager:
        """The server's rooms; created at the first join. Raises EventLoopError on another event loop."""
        self.check_loop()
        if self._rooms is None:
            if self._guard is None:
                description = (
                    "an in-memory room was not closed: await memory.aclose(), or use `async with MemoryRoom()`"
                )
                self._guard = LoopGuard(lambda: description, self.aclose)
            self._loop = asyncio.get_running_loop()
            epoch = time.time() - self.now()
            self._rooms = RoomManager(settings=self._settings, epoch=epoch, refresh_token=self._authority.refresh)
            self._tick()
        return self._rooms

    def check_loop(self) -> None:
        """Raise EventLoopError unless the event loop of the first join is running, or it is closed."""
        if self._loop is not None and self._loop.is_closed():
            self._loop = self._rooms = self._ticker = self._guard = None
            self._tasks = OwnedTasks()
            self.clients.clear()
        if self._loop is not None:
            check_loop(self._loop)

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def find(self, identity: str) -> tuple[Room, Participant]:
        """Return a participant's room and the participant. Raises KeyError: the identity is in no room."""
        for room in self.rooms.rooms:
            if identity in room.participants:
                return room, room.participants[identity]
        raise KeyError(identity)

    def crash(self, downtime: float) -> None:
        """Crash silently; the rooms are lost. The server is unreachable for `downtime` seconds."""
        self.check_loop()
        for client in self.clients.values():
            client.reset_signal()
            for peer in client.peers:
                peer.break_path()
        self._rooms = None
        if downtime:
            self.reachable = False
            self._recovery = asyncio.get_running_loop().call_later(downtime, setattr, self, "reachable", True)

    async def aclose(self) -> None:
        """Disconnect all participants and stop."""
        self.check_loop()
        if self._rooms is not None:
            self._rooms.close(self.now())
            self._rooms = None
        await self._tasks.aclose(CLOSE_GRACE)
        if self._guard is not None:
            self._guard.close()
            self._guard = None
        for client in self.clients.values():
            await client.aclose()
        if self._late is not None:
            self._late.close()
        for timer in (self._ticker, self._recovery):
            if timer is not None:
                timer.cancel()

    async def open_signal(self, urls: SignalUrls, token: str, progress: Callable[[str], None]) -> SignalConnection:
        """Open a signal connection; replaces `SignalConnection.open`."""
        self.check_loop()
        progress(f"connecting to {urls.websocket.host}")
        try:
            grants = self._authority.verify(token)
            await asyncio.sleep(2 * self._client(grants.identity).link.faults().delay)
            if not self.reachable:
                raise ServerUnreachableError(f"no connection to {urls.websocket.host}: it is not reachable")
            parameters = self._admit(grants, urls)
        except AuthError as error:
            raise classify_status(Refusal(error.status, error.message), urls.websocket) from None
        client = self._client(grants.identity)
        near, far = client.sockets = socket_pair(client.link)
        socket = SignalSocket(cast(web.WebSocketResponse, far), self._tasks)
        if self._late is not None:
            self._late.watch(far, grants.identity)
        self._tasks.run(self._serve(socket, grants, parameters, client), name=f"serve {grants.identity}")
        return SignalConnection(cast(aiohttp.ClientSession, _NoSession()), cast(Any, near))

    def _admit(self, grants: Grants, urls: SignalUrls) -> JoinParameters:
        single = urls.websocket.path == "/rtc/v1"
        query = urls.websocket.query
        grants, parameters = parse_authorized_join(self.rooms, grants, query, single_peer_connection=single)
        check_admission(self.rooms, grants, parameters)
        return parameters

    async def _serve(
        self, socket: SignalSocket, grants: Grants, parameters: JoinParameters, client: ClientLink
    ) -> None:
        try:
            await self._connection(socket, grants, parameters, client)
        finally:
            await socket.aclose()

    def _connection(
        self, socket: SignalSocket, grants: Grants, parameters: JoinParameters, client: ClientLink
    ) -> Awaitable[None]:
        rooms = self.rooms
        if parameters.reconnect:
            found = rooms.find_resumable(grants, parameters)
            if found is None or not isinstance(found[1].link, Connection):
                socket.send(leave_response(DisconnectReason.STATE_MISMATCH))
                return asyncio.sleep(0)
            return found[1].link.resume(socket, parameters)
        connection = Connection(
            socket,
            self._tasks,
            find_room=rooms.get,
            single_peer_connection=parameters.single_peer_connection,
            options=None,
            make_peer=cast(PeerFactory, client.new_peer),
        )
        try:
            room, participant = rooms.join(grants, parameters, connection, self.now())
        except JoinRefusedError:
            connection.close()
            return asyncio.sleep(0)
        return connection.start(room, participant, parameters)

    def _client(self, identity: str) -> ClientLink:
        client = self.clients.get(identity)
        if client is None:
            link = MemoryLink(lambda: self._faults_of(identity), Random(f"{self._seed} {identity}"))
            client = self.clients[identity] = ClientLink(link)
        return client

    def _tick(self) -> None:
        """Detect timeouts periodically while there are rooms."""
        if self._ticker is not None:
            self._ticker.cancel()
        if self._rooms is not None:
            self._rooms.tick(self.now())
            self._ticker = asyncio.get_running_loop().call_later(TICK_INTERVAL, self._tick)


class _NoSession:
    """Replaces an HTTP client session."""

    async def close(self) -> None:
        return None
