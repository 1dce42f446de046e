"""A bad network between participants and a server."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from contextlib import AsyncExitStack
from types import TracebackType

from typing_extensions import Self

from livekit.testing.netem import Link, LinkOptions

from .datagram_link import DatagramLink, Deliver
from .signals import SignalRelay
from .tcp import TcpRelay
from .udp import Address, UdpRelay

__all__ = ["NetworkRelay"]

logger = logging.getLogger("livekit.testing")


class NetworkRelay:
    """Who connects to its `url` instead of the server's reaches the server over a link that delays, loses, doubles and
    reorders, is slow, or fails: signalling over TCP and media over UDP alike::

        async with NetworkRelay("ws://127.0.0.1:7880", seed=7, link=LinkOptions(delay=0.05, loss=0.1)) as relay:
            await room.connect(relay.url, token)
            relay.is_down = True  # nothing gets through
            …
            relay.is_down = False

    All who connect to one relay share its link. It suits every LiveKit SDK and server, in any process: it changes the
    server's ICE candidates to its own addresses, and keeps those of the client from the server.

    Args:
        url: of the server, ws or wss.
        seed: of everything random; one is made up, logged and kept in `seed` if it is None.
        link: how datagrams travel each way; replace `up.options` and `down.options` for one way or while it runs.
    """

    def __init__(self, url: str, *, seed: int | None = None, link: LinkOptions | None = None) -> None:
        self.seed = secrets.randbits(32) if seed is None else seed
        self.up: Link[Deliver] = Link(link or LinkOptions(), random.Random(f"{self.seed} up"))
        """To the server."""
        self.down: Link[Deliver] = Link(link or LinkOptions(), random.Random(f"{self.seed} down"))
        """From the server."""
        self.signals = SignalRelay(url, locate=self._locate)
        """What is said on signal connections."""
        self._tcp: TcpRelay | None = None
        self._ways: tuple[DatagramLink, DatagramLink] | None = None
        self._udp: dict[Address, UdpRelay] = {}
        self._locating = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if logger.isEnabledFor(logging.INFO):
            logger.info("network relay with seed %d", self.seed)
        self._ways = DatagramLink(self.up), DatagramLink(self.down)
        for way in self._ways:
            self._stack.callback(way.close)
        await self._stack.enter_async_context(self.signals)
        self._tcp = TcpRelay(("127.0.0.1", self.signals.port), self.up, self.down)
        await self._stack.enter_async_context(self._tcp)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for relay in self._udp.values():
            relay.close()
        await self._stack.aclose()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://127.0.0.1:{self.tcp.port}"

    @property
    def tcp(self) -> TcpRelay:
        """The signal connections: `tcp.reset()`, `await tcp.refuse()`, `await tcp.open()`."""
        assert self._tcp is not None, "opened by its context"
        return self._tcp

    @property
    def link(self) -> LinkOptions:
        """How datagrams travel to the server; setting it sets both ways."""
        return self.up.options

    @link.setter
    def link(self, options: LinkOptions) -> None:
        self.up.options = self.down.options = options

    @property
    def is_down(self) -> bool:
        """Nothing gets through, and nobody is told."""
        return self.up.is_down and self.down.is_down

    @is_down.setter
    def is_down(self, is_down: bool) -> None:
        self.up.is_down = self.down.is_down = is_down

    async def change_address(self) -> None:
        """From now on the server sees the clients' media come from new ports."""
        await asyncio.gather(*(relay.change_address() for relay in self._udp.values()))

    def __repr__(self) -> str:
        return f"<NetworkRelay seed {self.seed}: {self.up.options}>"

    async def _locate(self, address: Address) -> Address:
        assert self._ways is not None, "opened by its context"
        async with self._locating:
            relay = self._udp.get(address)
            if relay is None:
                relay = self._udp[address] = UdpRelay(address, *self._ways)
                await relay.open()
        return relay.address
