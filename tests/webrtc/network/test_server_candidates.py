"""Candidates from STUN and TURN servers on loopback."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

import pytest

from livekit.webrtc.ice import Address, Candidate
from livekit.webrtc.ice.stun import MessageClass, StunMessage, parse_stun
from livekit.webrtc.interfaces import IceServerSettings
from livekit.webrtc.network import server_candidates
from livekit.webrtc.network.server_candidates import ServerCandidates
from livekit.webrtc.network.sockets import IceSocket
from livekit.webrtc.network.udp import open_udp_socket
from tests.webrtc.network.inbox import LOOPBACK, WAIT, Inbox


class Gathered:
    """Records the candidates that were gathered."""

    def __init__(self) -> None:
        self.candidates: list[tuple[Candidate, IceSocket | None]] = []

    def __call__(self, candidate: Candidate, ice_socket: IceSocket | None) -> None:
        self.candidates.append((candidate, ice_socket))


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
