"""An impaired network between participants and a server."""

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
    """Relays clients to a server over an emulated link: delay, loss, duplication, reordering, a rate limit, outages.

    Clients connect to the relay's `url`, not the server's. Signaling over TCP and media over UDP share the link::

        async with NetworkRelay("ws://127.0.0.1:7880", seed=7, link=LinkOptions(delay=0.05, loss=0.1)) as relay:
            await room.connect(relay.url, token)
            relay.is_down = True  # everything is dropped
            …
            relay.is_down = False

    All clients of a relay share its link. It works with every LiveKit SDK and server, in any process: it replaces the
    server's ICE candidates with its own addresses and withholds the client's candidates from the server.

    Args:
        url: the server's URL, ws or wss.
        seed: seeds the randomness; None chooses a seed at random, logs it and keeps it in `seed`.
        link: impairments of both directions; assign `up.options` and `down.options` for one direction, at any time.
        down: the link from the server, for impairments that `LinkOptions` has no name for.
    """

    def __init__(
        self,
        url: str,
        *,
        seed: int | None = None,
        link: LinkOptions | None = None,
        down: Link[Deliver] | None = None,
    ) -> None:
        self.seed = secrets.randbits(32) if seed is None else seed
        self.up: Link[Deliver] = Link(link or LinkOptions(), random.Random(f"{self.seed} up"))
        """The link to the server."""
        self.down: Link[Deliver] = down or Link(link or LinkOptions(), random.Random(f"{self.seed} down"))
        """The link from the server."""
        self.signals = SignalRelay(url, locate=self._locate)
        """The relay of signal messages."""
        self._tcp: TcpRelay | None = None
        self._links: tuple[DatagramLink, DatagramLink] | None = None
        self._udp: dict[Address, UdpRelay] = {}
        self._locating = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if logger.isEnabledFor(logging.INFO):
            logger.info("network relay with seed %d", self.seed)
        self._links = DatagramLink(self.up), DatagramLink(self.down)
        for link in self._links:
            self._stack.callback(link.close)
        self._stack.push_async_callback(self._close_udp)
        await self._stack.enter_async_context(self.signals)
        self._tcp = TcpRelay(("127.0.0.1", self.signals.port), self.up, self.down)
        await self._stack.enter_async_context(self._tcp)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def url(self) -> str:
        """The URL that clients connect to."""
        return f"ws://127.0.0.1:{self.tcp.port}"

    @property
    def tcp(self) -> TcpRelay:
        """The relay of signal connections: `tcp.reset()`, `await tcp.refuse()`, `await tcp.open()`."""
        assert self._tcp is not None, "opened by its context"
        return self._tcp

    @property
    def link(self) -> LinkOptions:
        """Impairments of the link to the server; assignment sets both directions."""
        return self.up.options

    @link.setter
    def link(self, options: LinkOptions) -> None:
        self.up.options = self.down.options = options

    @property
    def is_down(self) -> bool:
        """Both directions silently drop everything."""
        return self.up.is_down and self.down.is_down

    @is_down.setter
    def is_down(self, is_down: bool) -> None:
        self.up.is_down = self.down.is_down = is_down

    async def change_address(self) -> None:
        """Send the clients' media from new ports from now on, as after a NAT rebinding."""
        await asyncio.gather(*(relay.change_address() for relay in self._udp.values()))

    def __repr__(self) -> str:
        return f"<NetworkRelay seed {self.seed}: {self.up.options}>"

    async def _close_udp(self) -> None:
        await asyncio.gather(*(relay.aclose() for relay in self._udp.values()))

    async def _locate(self, address: Address) -> Address:
        assert self._links is not None, "opened by its context"
        async with self._locating:
            relay = self._udp.get(address)
            if relay is None:
                relay = self._udp[address] = UdpRelay(address, *self._links)
                await relay.open()
        return relay.address
