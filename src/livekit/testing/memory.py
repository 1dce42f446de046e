"""A room in memory: the real rooms, sessions and server, without a network between them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
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

from .faults import Faults
from .memory_peer import MemoryPeer
from .memory_server import MemoryServer
from .room_clients import RoomClients

__all__ = ["MemoryRoom"]

SCHEME = "memory"
_numbers = itertools.count(1)
_servers: WeakValueDictionary[str, MemoryServer] = WeakValueDictionary()
"""By the host of their URL."""


class MemoryRoom(RoomClients):
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
        super().__init__()
        self.name = name
        self.faults = faults or Faults()
        """What goes wrong for everybody; may be replaced at any time, and counts for what is sent from then on."""
        self.faults_of: dict[str, Faults] = {}
        """What goes wrong for single participants, by identity, instead of `faults`."""
        self.announces_joins = announces_joins
        self.api_key, self.api_secret = next(iter(DEV_KEYS.items()))
        self._authority = TokenAuthority(DEV_KEYS)
        self._server = MemoryServer(
            self._authority,
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
        """What goes on in the server; inside the event loop only."""
        return self._server.rooms

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

    async def aclose(self) -> None:
        """Disconnect those who came by `join` and `stub`, and stop the server."""
        await super().aclose()
        await self._server.aclose()

    # What goes wrong. Each raises KeyError for an identity that has not joined.

    @property
    def reachable(self) -> bool:
        """False: no signal connection can be made, so that a lost one stays lost."""
        return self._server.reachable

    @reachable.setter
    def reachable(self, reachable: bool) -> None:
        self._server.reachable = reachable

    def lose_signal(self, identity: str) -> None:
        """The signal connection of a participant breaks; it resumes. Packets go on flowing."""
        self._server.lines[identity].reset_signal()

    def lose_transport(self, identity: str) -> None:
        """The peer connections of a participant fail; it reconnects in full, with a new sid."""
        for peer in self._server.lines[identity].peers:
            peer.fail()

    def hold(self, identity: str) -> None:
        """Nothing gets through to or from a participant until `release`; nothing is lost yet."""
        self._server.lines[identity].link.hold()

    def release(self, identity: str) -> None:
        """Let through what `hold` kept."""
        self._server.lines[identity].link.release()

    def restart(self, *, downtime: float = 0.0) -> None:
        """The server dies without a word and comes back after `downtime` seconds, knowing of no rooms."""
        self._server.crash()
        if downtime:
            self.reachable = False
            asyncio.get_running_loop().call_later(downtime, setattr, self, "reachable", True)

    def shut_down(self) -> None:
        """The server ends every room and says so; it takes new ones."""
        self.rooms.close(self._server.now())

    def remove(self, identity: str) -> None:
        """Put a participant out, as `RoomService.RemoveParticipant` does."""
        room, participant = self._server.place(identity)
        room.remove(participant, DisconnectReason.PARTICIPANT_REMOVED, self._server.now())

    def set_permission(self, identity: str, **changes: bool) -> None:
        """Change what a participant may do, such as ``can_publish_data=False`` or ``hidden=True``."""
        room, participant = self._server.place(identity)
        permission = models.ParticipantPermission()
        permission.CopyFrom(participant.permission)
        for name, value in changes.items():
            setattr(permission, name, value)
        room.set_permission(participant, permission, self._server.now())

    def inject(self, identity: str, packet: models.DataPacket) -> None:
        """Send a participant a packet that nobody checked or stamped, as a server that lies would."""
        _, participant = self._server.place(identity)
        participant.link.send_packet(packet.SerializeToString(), reliable=True)


def _open(url: str, token: str, options: RoomOptions, listener: EngineListener) -> Engine:
    host = url.strip().partition("://")[2]
    server = _servers.get(host)
    if server is None:
        raise ConnectError(f"there is no room in memory at {url!r} (any more): keep the MemoryRoom while it is used")
    return RtcEngine(
        f"ws://{host}", token, options, listener, make_peer=lambda _: MemoryPeer(), open_signal=server.open_signal
    )


register_scheme(SCHEME, _open)
