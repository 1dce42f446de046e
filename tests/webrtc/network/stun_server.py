"""A STUN server for tests (RFC 8489)."""

from __future__ import annotations

import asyncio
from typing import cast

from livekit.webrtc.ice import Address
from livekit.webrtc.ice.stun import MessageClass, StunMessage, parse_stun


class StunServer(asyncio.DatagramProtocol):
    """Reports one public address for every client; drops the first request."""

    PUBLIC = ("203.0.113.5", 4567)

    def __init__(self) -> None:
        self.requests = 0
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.requests += 1
        if self.requests == 1 or self.transport is None:
            return
        answer = StunMessage(MessageClass.SUCCESS, transaction_id=parse_stun(data).transaction_id)
        answer.mapped_address = self.PUBLIC
        self.transport.sendto(answer.encode(), addr)
