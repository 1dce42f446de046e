"""In-memory rooms: the real rooms, engines and server core, connected without a network."""

from __future__ import annotations

import itertools
from weakref import WeakValueDictionary

from livekit.engine import Engine, EngineListener, register_scheme
from livekit.engine.rtc_engine import RtcEngine
from livekit.errors import ConnectError
from livekit.options import RoomOptions
from livekit.protocol import models
from livekit.server.auth import TokenAuthority
from livekit.server.devserver import DEV_KEYS
from livekit.server.responses import DisconnectReason
from livekit.server.room import RoomSettings
from livekit.server.room_manager import RoomManager
from livekit.server.token_source import TokenSource

from .faults import Faults
from .memory_peer import MemoryPeer
from .memory_server import ClientLink, MemoryServer
from .room_clients import RoomClients

__all__ = ["MemoryRoom"]

SCHEME = "memory"
_numbers = itertools.count(1)
_servers: WeakValueDictionary[str, MemoryServer] = WeakValueDictionary()
"""Servers by the host of their URL."""


class MemoryRoom(TokenSource, RoomClients):
    """A room and its server inside this process. Connect to it with `Room.connect`, as to any other server::

        async with MemoryRoom() as memory:
            alice = await memory.join("alice")
            bob = Room()
            await bob.connect(memory.url, memory.token("bob"))

    Everything from `Room` down to serialized packets is the code that runs over a network, and so is the server core;
    only the WebSocket and the peer connections are replaced by in-memory links. It belongs to the event loop of the
    first join.

    Args:
        name: the room's name.
        faults: impairments of every participant's link.
        seed: seeds the impairments' randomness.
        announces_joins: False delays announcements of participants that join, leave or become ACTIVE by up to 3 s, as
            a LiveKit server does for participants that publish no media.
        settings: timeouts and limits of rooms on this server; ``RoomSettings(departure_timeout=0)`` ends a room as soon
            as its last participant has left, instead of 20 s later as on LiveKit servers.
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
        super().__init__()
        self.name = self._default_room = name
        self.faults = faults or Faults()
        """Impairments of every link; may be replaced at any time and apply to everything sent afterwards."""
        self.faults_of: dict[str, Faults] = {}
        """Impairments of single participants' links by identity, in place of `faults`."""
        self.announces_joins = announces_joins
        self.api_key, self.api_secret = next(iter(DEV_KEYS.items()))
        authority = TokenAuthority(DEV_KEYS)
        self._server = MemoryServer(
            authority,
            lambda identity: self.faults_of.get(identity, self.faults),
            seed=seed,
            announces_joins=announces_joins,
            settings=settings,
        )
        self._host = f"memory-{next(_numbers)}"
        _servers[self._host] = self._server

    @property
    def url(self) -> str:
        return f"{SCHEME}://{self._host}"

    @property
    def rooms(self) -> RoomManager:
        """The server's rooms; for use on the event loop only."""
        return self._server.rooms

    async def aclose(self) -> None:
        """Disconnect the participants created by `join` and `stub`, and stop the server."""
        await super().aclose()
        await self._server.aclose()

    # Fault injection. Each method raises KeyError for an identity that has not joined, and EventLoopError on another
    # event loop.

    def _client(self, identity: str) -> ClientLink:
        self._server.check_loop()
        return self._server.clients[identity]

    @property
    def reachable(self) -> bool:
        """True if signal connections can be opened. With False a lost one stays lost."""
        return self._server.reachable

    @reachable.setter
    def reachable(self, reachable: bool) -> None:
        self._server.reachable = reachable

    def lose_signal(self, identity: str) -> None:
        """Break a participant's signal connection, so that it resumes. Data packets keep flowing."""
        self._client(identity).reset_signal()

    def lose_transport(self, identity: str) -> None:
        """Fail a participant's peer connections, so that it does a full reconnect under a new sid."""
        for peer in self._client(identity).peers:
            peer.fail()

    def hold(self, identity: str) -> None:
        """Suspend all traffic to and from a participant until `release`, without losing any."""
        self._client(identity).link.hold()

    def release(self, identity: str) -> None:
        """Resume the traffic that `hold` suspended."""
        self._client(identity).link.release()

    def restart(self, *, downtime: float = 0.0) -> None:
        """Crash the server silently and bring it back after `downtime` seconds, without its rooms."""
        self._server.crash(downtime)

    def shut_down(self) -> None:
        """End every room in order, notifying the participants; new rooms can be created."""
        self.rooms.close(self._server.now())

    def remove(self, identity: str) -> None:
        """Remove a participant, as `RoomService.RemoveParticipant` does."""
        room, participant = self._server.find(identity)
        room.remove(participant, DisconnectReason.PARTICIPANT_REMOVED, self._server.now())

    def set_permission(self, identity: str, **changes: bool) -> None:
        """Change a participant's permissions, for example ``can_publish_data=False`` or ``hidden=True``."""
        room, participant = self._server.find(identity)
        permission = models.ParticipantPermission()
        permission.CopyFrom(participant.permission)
        for name, value in changes.items():
            setattr(permission, name, value)
        room.set_permission(participant, permission, self._server.now())

    def inject(self, identity: str, packet: models.DataPacket) -> None:
        """Send a participant a packet without checks and without the sender's stamp, as a malicious server could."""
        _, participant = self._server.find(identity)
        participant.link.send_packet(packet.SerializeToString(), reliable=True)


def _open(url: str, token: str, options: RoomOptions, listener: EngineListener) -> Engine:
    host = url.strip().partition("://")[2]
    server = _servers.get(host)
    if server is None:
        raise ConnectError(f"no in-memory room at {url!r}: keep a reference to its MemoryRoom while it is in use")
    return RtcEngine(
        f"ws://{host}", token, options, listener, make_peer=lambda _: MemoryPeer(), open_signal=server.open_signal
    )


register_scheme(SCHEME, _open)
