"""Server-reflexive and relayed candidates from STUN and TURN servers (RFC 8445 section 5.1.1.2)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import cast

from livekit.webrtc.ice import Address, Candidate
from livekit.webrtc.ice.stun import MessageClass, StunError, StunMessage, parse_stun
from livekit.webrtc.interfaces import IceServerSettings

from .ice_server import IceServer
from .sockets import IceSocket, ReceiveDatagram
from .udp import TransportSocket, UdpSocket

__all__ = ["ServerCandidates"]

logger = logging.getLogger("livekit.webrtc")

GATHER_TIMEOUT = 5.0
"""Seconds to wait for STUN and TURN servers."""
STUN_RTO = 0.5
"""Seconds between transmissions of a Binding request."""


def _parse_all(settings: Sequence[IceServerSettings]) -> Iterator[IceServer]:
    """Yield the servers, without those that a LiveKit server announced and that are invalid."""
    for one in settings:
        for url in one.urls:
            try:
                yield IceServer.parse(url, one)
            except ValueError as error:
                logger.debug("ignored the ICE server %r: %s", url, error)


class ServerCandidates:
    """Queries STUN and TURN servers."""

    def __init__(self, receive: ReceiveDatagram, on_candidate: Callable[[Candidate, IceSocket | None], None]) -> None:
        """`on_candidate` is called with each candidate and, for a relayed one, the socket of its TURN allocation."""
        self._receive = receive
        self._on_candidate = on_candidate
        self._transactions: dict[bytes, asyncio.Future[Address]] = {}

    async def gather(
        self, settings: Sequence[IceServerSettings], hosts: Sequence[UdpSocket | TransportSocket], *, relay_only: bool
    ) -> None:
        """Query every server, STUN servers from each host socket, for up to `GATHER_TIMEOUT`. Errors are logged."""
        servers = list(_parse_all(settings))
        queries: list[Awaitable[None]] = [
            self._gather_relayed(server, relay_only) for server in servers if server.scheme in ("turn", "turns")
        ]
        if not relay_only:
            stun_servers = [server for server in servers if server.scheme == "stun"]
            queries += [self._gather_server_reflexive(server, host) for server in stun_servers for host in hosts]
        limited = (asyncio.wait_for(query, GATHER_TIMEOUT) for query in queries)
        for result in await asyncio.gather(*limited, return_exceptions=True):
            if isinstance(result, Exception):
                logger.debug("no candidate from an ICE server: %r", result)

    def receive_response(self, data: bytes) -> bool:
        """Process a STUN packet. Return False if it is not the response of a STUN server queried here."""
        response = self._transactions.get(data[8:20])
        if response is None or response.done():
            return False
        with contextlib.suppress(StunError):
            message = parse_stun(data)
            if message.message_class is MessageClass.SUCCESS and message.mapped_address is not None:
                response.set_result(message.mapped_address)
        return True

    async def _gather_server_reflexive(self, server: IceServer, host: UdpSocket | TransportSocket) -> None:
        loop = asyncio.get_running_loop()
        base = host.local_address
        family = socket.AF_INET6 if ":" in base[0] else socket.AF_INET
        infos = await loop.getaddrinfo(server.host, server.port, family=family, type=socket.SOCK_DGRAM)
        server_address = cast(Address, infos[0][4][:2])
        request = StunMessage(MessageClass.REQUEST)
        response = self._transactions[request.transaction_id] = loop.create_future()
        try:
            while not response.done():
                host.send(request.encode(), server_address)
                await asyncio.wait({response}, timeout=STUN_RTO)
        finally:
            del self._transactions[request.transaction_id]
        mapped = response.result()
        if mapped != base:
            self._on_candidate(Candidate.local("srflx", mapped, preference=65_535, related=base), None)

    async def _gather_relayed(self, server: IceServer, relay_only: bool) -> None:
        # aioice depends on a DNS resolver; only users of TURN pay for the import.
        from aioice.turn import create_turn_endpoint

        transport, allocation = await create_turn_endpoint(
            lambda: TransportSocket(self._receive),
            server_addr=(server.host, server.port),
            username=server.username,
            password=server.credential,
            ssl=server.scheme == "turns",
            transport=server.transport,
        )
        address: Address = allocation.local_address
        unspecified = ("::", 9) if ":" in address[0] else ("0.0.0.0", 9)
        # RFC 8829 section 3.5.3: with relay candidates only, the related address must not reveal the mapped one.
        related: Address = unspecified if relay_only else transport.get_extra_info("related_address")
        preference = 65_535 if server.transport == "udp" else 32_767
        self._on_candidate(Candidate.local("relay", address, preference=preference, related=related), allocation)
