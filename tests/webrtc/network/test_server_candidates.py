"""Candidates from STUN and TURN servers on loopback."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

import pytest

from livekit.webrtc.ice import Address, Candidate
from livekit.webrtc.ice.stun import Attribute, MessageClass, StunMessage, parse_stun
from livekit.webrtc.interfaces import IceServerSettings
from livekit.webrtc.network import server_candidates
from livekit.webrtc.network.server_candidates import ServerCandidates
from livekit.webrtc.network.sockets import IceSocket
from livekit.webrtc.network.udp import open_udp_socket
from tests.webrtc.network.inbox import LOOPBACK, WAIT, Inbox
from tests.webrtc.network.stun_server import StunServer


class Gathered:
    """Records the candidates that were gathered."""

    def __init__(self) -> None:
        self.candidates: list[tuple[Candidate, IceSocket | None]] = []

    def __call__(self, candidate: Candidate, ice_socket: IceSocket | None) -> None:
        self.candidates.append((candidate, ice_socket))


async def test_server_reflexive_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_candidates, "STUN_RTO", 0.02)
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(StunServer, local_addr=(LOOPBACK, 0))
    url = f"stun:{LOOPBACK}:{transport.get_extra_info('sockname')[1]}"
    gathered = Gathered()
    servers = ServerCandidates(Inbox(), gathered)

    def receive(data: bytes, ice_socket: IceSocket, address: Address) -> None:
        assert servers.receive_response(data)

    host = await open_udp_socket(receive, LOOPBACK)
    await asyncio.wait_for(servers.gather([IceServerSettings(urls=[url, "nonsense"])], [host], relay_only=False), WAIT)
    assert server.requests == 2
    ((candidate, base),) = gathered.candidates
    assert (candidate.kind, candidate.address, candidate.related) == ("srflx", StunServer.PUBLIC, host.local_address)
    assert base is None
    assert not servers.receive_response(StunMessage(MessageClass.SUCCESS).encode())
    host.close()
    transport.close()


async def test_servers_that_do_not_respond_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_candidates, "GATHER_TIMEOUT", 0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((LOOPBACK, 0))
        port = silent.getsockname()[1]
        urls = [f"stun:{LOOPBACK}:{port}", f"turn:{LOOPBACK}:{port}", f"turn:{LOOPBACK}:{port}?transport=tcp"]
        host = await open_udp_socket(Inbox(), LOOPBACK)
        gathered = Gathered()
        settings = IceServerSettings(urls=urls, username="u", credential="c")
        servers = ServerCandidates(Inbox(), gathered)
        await asyncio.wait_for(servers.gather([settings], [host], relay_only=False), WAIT)
        assert gathered.candidates == []
        host.close()


class TurnServer(asyncio.DatagramProtocol):
    """Allocates one relayed address (RFC 8656) without authentication."""

    RELAYED = ("203.0.113.6", 50_000)
    METHOD_ALLOCATE, METHOD_REFRESH = 0x003, 0x004
    LIFETIME, XOR_RELAYED_ADDRESS = 0x000D, 0x0016

    def __init__(self) -> None:
        self.methods: list[int] = []
        self.client: Address = ("", 0)
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        request = parse_stun(data)
        self.methods.append(request.method)
        self.client = addr
        response = StunMessage(MessageClass.SUCCESS, request.method, request.transaction_id)
        response.mapped_address = self.RELAYED
        response.attributes[self.XOR_RELAYED_ADDRESS] = response.attributes[Attribute.XOR_MAPPED_ADDRESS]
        response.mapped_address = addr
        response.attributes[self.LIFETIME] = (600).to_bytes(4, "big")
        assert self.transport is not None
        self.transport.sendto(response.encode(), addr)


@pytest.mark.parametrize("relay_only", [True, False])
async def test_relayed_candidates(relay_only: bool) -> None:
    """With relay candidates only, the related address must not reveal the client (RFC 8829 section 3.5.3)."""
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(TurnServer, local_addr=(LOOPBACK, 0))
    port = transport.get_extra_info("sockname")[1]
    settings = IceServerSettings(urls=[f"turn:{LOOPBACK}:{port}", f"stun:{LOOPBACK}:{port}"])
    gathered = Gathered()
    servers = ServerCandidates(Inbox(), gathered)
    await asyncio.wait_for(servers.gather([settings], [], relay_only=relay_only), WAIT)
    ((candidate, allocation),) = gathered.candidates
    assert (candidate.kind, candidate.address) == ("relay", TurnServer.RELAYED)
    assert candidate.related == (("0.0.0.0", 9) if relay_only else server.client)
    assert allocation is not None
    allocation.close()
    await asyncio.wait_for(allocation.wait_closed(), WAIT)
    assert server.methods == [TurnServer.METHOD_ALLOCATE, TurnServer.METHOD_REFRESH]
    transport.close()


async def test_malformed_and_error_responses_are_ignored() -> None:
    """A response without a mapped address ends nothing: the query goes on until it times out."""
    servers = ServerCandidates(Inbox(), Gathered())
    response: asyncio.Future[Address] = asyncio.get_running_loop().create_future()
    failure = StunMessage(MessageClass.ERROR)
    servers._transactions[failure.transaction_id] = response
    encoded = failure.encode()
    assert servers.receive_response(encoded)
    assert servers.receive_response(encoded[:-1])
    assert not response.done()
