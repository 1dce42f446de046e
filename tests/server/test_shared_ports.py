"""A server whose WebRTC traffic uses one UDP port and one ICE-TCP port, with clients of every kind."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest

from livekit import Room, RoomOptions, RpcInvocationData
from livekit.server import DevServer, ServerStartError
from livekit.testing import RunningServer
from livekit.webrtc.ice import Address
from livekit.webrtc.network.shared_ports import PortUser, SharedPorts
from livekit.webrtc.network.sockets import IceSocket
from tests.interop.kinds import BROWSER, NODE, PYTHON, Kind
from tests.interop.matrix import Matrix
from tests.support.published_ports import PUBLISHED, Carried, published

WAIT = 30.0


async def echo(data: RpcInvocationData) -> str:
    return data.payload


@pytest.fixture
def udp_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lose every UDP packet of the server's shared port, in both directions."""

    def receive(ports: SharedPorts, data: bytes, udp_socket: IceSocket, address: Address) -> None:
        """Lose the packet."""

    def socket_for(ports: SharedPorts, user: PortUser, address: Address) -> None:
        return None

    monkeypatch.setattr(SharedPorts, "_receive", receive)
    monkeypatch.setattr(SharedPorts, "socket_for", socket_for)


@pytest.fixture
async def behind_ports(no_leaks: None) -> AsyncGenerator[tuple[DevServer, Carried]]:
    """A server as in a container with published ports."""
    async with DevServer(port=0, node_ip=PUBLISHED, udp_port=0, tcp_port=0) as server, published(server) as carried:
        yield server, carried


@contextlib.asynccontextmanager
async def rooms(server: DevServer, *identities: str, single: bool) -> AsyncGenerator[list[Room]]:
    """Join participants at once, each with the method `echo`."""
    joined = [Room() for _ in identities]
    async with AsyncExitStack() as stack:
        for room in joined:
            room.register_rpc_method("echo", echo)
            stack.push_async_callback(room.disconnect)
        options = RoomOptions(single_peer_connection=single)
        tokens = [server.token(identity, room="demo") for identity in identities]
        connecting = (room.connect(server.url, token, options) for room, token in zip(joined, tokens, strict=True))
        await asyncio.wait_for(asyncio.gather(*connecting), WAIT)
        yield joined


async def call(caller: Room, callee: str, payload: str = "x" * 10_000) -> None:
    answer = await caller.local_participant.perform_rpc(destination_identity=callee, method="echo", payload=payload)
    assert answer == payload


@pytest.mark.parametrize("single", [True, False], ids=["single", "dual"])
async def test_participants_share_one_udp_port(behind_ports: tuple[DevServer, Carried], single: bool) -> None:
    server, carried = behind_ports
    names = [f"p{number}" for number in range(6)]
    async with rooms(server, *names, single=single) as joined:
        for caller, callee in zip(joined, names[1:] + names[:1], strict=True):
            await call(caller, callee)
        assert len(carried.sources) >= len(names)
        assert carried.connections == 0


@pytest.mark.usefixtures("udp_blocked")
@pytest.mark.parametrize("single", [True, False], ids=["single", "dual"])
async def test_participants_without_udp_share_one_tcp_port(
    behind_ports: tuple[DevServer, Carried], single: bool
) -> None:
    server, carried = behind_ports
    async with rooms(server, "alice", "bob", "carol", single=single) as joined:
        for caller, callee in zip(joined, ("bob", "carol", "alice"), strict=True):
            await call(caller, callee)
            await call(caller, callee, "y" * 200_000)
        assert carried.connections >= 3


@pytest.mark.usefixtures("udp_blocked")
@pytest.mark.parametrize("single", [True, False], ids=["single", "dual"])
async def test_a_lost_tcp_connection_is_replaced(behind_ports: tuple[DevServer, Carried], single: bool) -> None:
    server, carried = behind_ports
    async with rooms(server, "alice", "bob", single=single) as (alice, _bob):
        await call(alice, "bob")
        before = carried.connections
        carried.cut()
        await asyncio.wait_for(call(alice, "bob"), WAIT)
        assert carried.connections >= before + 2


@pytest.mark.peers
@pytest.mark.parametrize("kind", [PYTHON, NODE, BROWSER], ids=str)
@pytest.mark.parametrize("blocked", [False, True], ids=["udp", "tcp"])
async def test_official_clients(
    request: pytest.FixtureRequest, behind_ports: tuple[DevServer, Carried], kind: Kind, blocked: bool
) -> None:
    if blocked:
        request.getfixturevalue("udp_blocked")
    server, carried = behind_ports
    address = RunningServer(server.url, server.api_key, server.api_secret)
    async with AsyncExitStack() as stack:
        matrix = Matrix(address, stack)
        one, other = await matrix.guest(kind), await matrix.guest(kind)
        await matrix.introduce(one, other)
        for caller, callee in ((one, other), (other, one)):
            assert await caller.call(callee, "echo", "x" * 1_000) == "x" * 1_000
        assert bool(carried.connections) or not blocked
        assert bool(carried.datagrams) or blocked


async def test_ports_are_released_with_the_server() -> None:
    async with DevServer(port=0, udp_port=0, tcp_port=0) as server:
        udp_port, tcp_port = server.udp_port, server.tcp_port
        assert udp_port
        assert tcp_port
    assert (server.udp_port, server.tcp_port) == (0, 0)
    async with DevServer(port=0, udp_port=udp_port, tcp_port=tcp_port) as again:
        assert (again.udp_port, again.tcp_port) == (udp_port, tcp_port)


@pytest.mark.parametrize("kind", ["udp", "tcp"])
async def test_a_port_that_is_taken(no_leaks: None, kind: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == "tcp":
            taken.listen()
        port = taken.getsockname()[1]
        server = DevServer(port=0, **{f"{kind}_port": port})
        with pytest.raises(ServerStartError, match=f"port {port} on this machine is taken"):
            await server.start()
    async with server:  # nothing is left over from the failed start
        assert getattr(server, f"{kind}_port") == port


@pytest.mark.parametrize("arguments", [{"node_ip": "example.com"}, {"node_ip": "0.0.0.0"}, {"node_ip": ["::1", "::"]}])
def test_a_node_ip_must_be_a_reachable_address(arguments: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="node_ip"):
        DevServer(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["port", "udp_port", "tcp_port"])
@pytest.mark.parametrize("number", [-1, 65_536])
def test_a_port_must_be_in_range(name: str, number: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 65535"):
        DevServer(**{name: number})  # type: ignore[arg-type]
