"""Records what sockets receive."""

from __future__ import annotations

import asyncio

from livekit.webrtc.ice import Address
from livekit.webrtc.network.sockets import IceSocket

LOOPBACK = "127.0.0.1"
WAIT = 5.0
"""Seconds that a test waits for something to happen."""


class Inbox:
    """A `ReceiveDatagram` callback that queues datagrams and their source addresses."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue()

    def __call__(self, data: bytes, ice_socket: IceSocket, address: Address) -> None:
        self.queue.put_nowait((data, address))

    async def get(self) -> tuple[bytes, Address]:
        return await asyncio.wait_for(self.queue.get(), WAIT)
