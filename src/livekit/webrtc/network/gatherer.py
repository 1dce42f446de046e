"""The ICE gatherer: local candidates of one peer connection and the sockets behind them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from livekit._util.aio import start_task
from livekit._util.callbacks import ignore
from livekit._util.exhaustion import exhausted_resource
from livekit.webrtc.ice import Address, Candidate
from livekit.webrtc.interfaces import IceServerSettings, PeerOptions

from .host_addresses import host_addresses
from .server_candidates import ServerCandidates
from .shared_ports import PortUser, SharedPorts
from .sockets import IceSocket, ReceiveDatagram
from .tcp import TcpSocket, open_tcp_socket
from .udp import TransportSocket, UdpSocket, open_udp_socket

__all__ = ["IceGatherer"]

logger = logging.getLogger("livekit.webrtc")

TCP_DELAY = 0.5
"""Seconds that UDP has to connect before TCP candidates are tried."""
PASSIVE_PREFERENCE = (4 << 13) + 8_191
"""Local preference of the first passive TCP candidate (RFC 6544 section 4.2): below those of UDP candidates."""
MAX_CONNECTIONS = 16
"""ICE-TCP connections at a time; further ones are not accepted."""
CLOSE_TIMEOUT = 1.0
"""Seconds to wait for TCP connections and TURN allocations to close."""

AddSocket = Callable[[IceSocket, Candidate, "Address | None"], None]
"""Called with a new socket, its local candidate and, for ICE-TCP, the remote address it is connected to."""


class IceGatherer:
    """Opens sockets, gathers their candidates, and closes all together. Callbacks are plain attributes."""

    def __init__(
        self,
        receive: ReceiveDatagram,
        options: PeerOptions,
        *,
        add_socket: AddSocket,
        remove_socket: Callable[[TcpSocket], None],
        ports: SharedPorts | None = None,
    ) -> None:
        """`remove_socket` is called with an ICE-TCP connection that was lost; `ports` are used where they are open."""
        self.on_candidate: Callable[[Candidate], None] = ignore
        """Called with each server-reflexive or relayed candidate; these are gathered after `gather` has returned."""
        self.on_gathered: Callable[[], None] = ignore
        """Called when all servers have answered or timed out (RTCIceGatheringState complete)."""
        self.candidates: list[Candidate] = []
        """All local candidates, in the order in which they were gathered."""
        self.is_gathered = False
        self._receive = receive
        self._add_socket = add_socket
        self._remove_socket = remove_socket
        self._options = options
        self._ports = None if ports is None else ports.attach(receive, self._adopt_connection)
        self._unused_servers = list(options.ice_servers)
        self._server_candidates = ServerCandidates(receive, self._add_candidate)
        self._hosts: dict[str, UdpSocket | TransportSocket] = {}
        self._sockets: list[IceSocket] = []
        self._has_gathered_hosts = False
        self._pending_queries = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def gather(self) -> None:
        """Open a UDP socket on each local address without one, and query STUN and TURN servers in the background."""
        if not self._options.relay_only:
            if self._ports is None or self._ports.udp_port is None:
                await self._open_host_sockets()
            if self._ports is not None and not self._has_gathered_hosts:
                self._use_ports(self._ports)
        if self._closed:
            return
        self._has_gathered_hosts = True
        self.use_servers(())

    def accept(self, ufrag: str) -> None:
        """Receive on shared ports what is sent to the agent with the local username fragment `ufrag`."""
        if self._ports is not None and not self._closed:
            self._ports.accept(ufrag)

    def use_servers(self, servers: Sequence[IceServerSettings]) -> None:
        """Query these STUN and TURN servers too, as soon as `gather` has opened the host sockets."""
        self._unused_servers += servers
        if not self._has_gathered_hosts or self._closed:
            return
        new_servers, self._unused_servers = [server for server in self._unused_servers if server.urls], []
        if new_servers:
            self.is_gathered = False
            self._pending_queries += 1
            self._spawn(self._query_servers(new_servers))
        elif not self._pending_queries:
            self.is_gathered = True

    def receive_response(self, data: bytes) -> bool:
        """Process a STUN packet. Return False if it is not the response of a STUN server queried here."""
        return self._server_candidates.receive_response(data)

    def connect_tcp(self, candidate: Candidate, is_needed: Callable[[], bool]) -> None:
        """Connect to a passive TCP candidate of the peer after `TCP_DELAY`, if `is_needed` returns True then.

        A connection that is lost is replaced in the same way.
        """
        may_connect = self._options.active_tcp and not self._options.relay_only
        if may_connect and candidate.tcp_type == "passive" and candidate.ip_version is not None:
            self._spawn(self._connect_tcp(candidate, is_needed))

    async def close(self) -> None:
        """Close every socket and cancel every task; wait for up to `CLOSE_TIMEOUT`."""
        self._closed = True
        if self._ports is not None:
            self._ports.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for ice_socket in self._sockets:
            ice_socket.close()
        closing = asyncio.gather(*tasks, *(one.wait_closed() for one in self._sockets), return_exceptions=True)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(closing, CLOSE_TIMEOUT)

    async def _open_host_sockets(self) -> None:
        """Open a UDP socket on each local address without one, and announce it, or the node's addresses instead."""
        for host in host_addresses():
            if host in self._hosts or not self._announced(host):
                continue
            try:
                udp_socket = await open_udp_socket(self._receive, host)
            except OSError as error:
                if exhausted_resource(error) is not None:
                    raise
                logger.debug("no host candidate on %s: %s", host, error)
                continue
            if self._closed:
                udp_socket.close()
                return
            self._hosts[host] = udp_socket
            self._announce(udp_socket, self._announced(host), udp_socket.local_address[1])

    def _announced(self, host: str) -> Sequence[str]:
        """Return the addresses to announce for the local address `host`: the node's of the same family, or itself."""
        node_ips = self._options.node_ips
        return [ip for ip in node_ips if (":" in ip) == (":" in host)] if node_ips else [host]

    def _announce(self, ice_socket: IceSocket, addresses: Sequence[str], port: int) -> None:
        """Add a UDP host candidate for each address; the socket is the base of the first one."""
        for index, address in enumerate(addresses):
            preference = 65_535 - len(self.candidates)
            candidate = Candidate.local("host", (address, port), preference=preference)
            self._add_candidate(candidate, None if index else ice_socket)

    def _use_ports(self, ports: PortUser) -> None:
        """Add the candidates of the shared ports."""
        addresses = self._options.node_ips or host_addresses()
        if ports.udp_port is not None:
            for family, ice_socket in ports.sockets.items():
                of_family = [address for address in addresses if (":" in address) == (family == 6)]
                self._announce(ice_socket, of_family, ports.udp_port)
        if ports.tcp_port is not None:
            for address in addresses:
                self._add_candidate(self._passive((address, ports.tcp_port)), None)

    def _passive(self, address: Address) -> Candidate:
        preference = PASSIVE_PREFERENCE - len(self.candidates)
        candidate = Candidate.local("host", address, preference=preference)
        return replace(candidate, foundation=f"{candidate.foundation}1", transport="tcp", tcp_type="passive")

    def _adopt_connection(self, tcp_socket: TcpSocket) -> bool:
        """Take an accepted ICE-TCP connection. Return False at the limit."""
        if sum(isinstance(one, TcpSocket) for one in self._sockets) >= MAX_CONNECTIONS:
            return False
        tcp_socket.receive = self._receive
        tcp_socket.on_lost = self._connection_lost
        self._sockets.append(tcp_socket)
        self._add_socket(tcp_socket, self._passive(tcp_socket.local_address), tcp_socket.remote_address)
        return True

    async def _query_servers(self, servers: Sequence[IceServerSettings]) -> None:
        await self._server_candidates.gather(servers, list(self._hosts.values()), relay_only=self._options.relay_only)
        self._pending_queries -= 1
        if not self._pending_queries:
            self.is_gathered = True
            self.on_gathered()

    def _add_candidate(self, candidate: Candidate, ice_socket: IceSocket | None) -> None:
        self.candidates.append(candidate)
        if ice_socket is not None:
            self._sockets.append(ice_socket)
            self._add_socket(ice_socket, candidate, None)
        if candidate.kind != "host":
            self.on_candidate(candidate)

    async def _connect_tcp(self, candidate: Candidate, is_needed: Callable[[], bool]) -> None:
        await asyncio.sleep(TCP_DELAY)
        if not is_needed():
            return
        address: Address = candidate.address
        try:
            tcp_socket = await open_tcp_socket(self._receive, address, self._connection_lost)
        except (OSError, asyncio.TimeoutError) as error:
            logger.debug("no ICE-TCP connection to %s:%d: %s", *address, error)
            return
        if not tcp_socket.is_open:
            return  # lost already
        self._sockets.append(tcp_socket)
        local = replace(Candidate.local("host", tcp_socket.local_address, preference=0), transport="tcp")
        self._add_socket(tcp_socket, local, address)
        tcp_socket.on_lost = partial(self._reconnect, candidate, is_needed)

    def _reconnect(self, candidate: Candidate, is_needed: Callable[[], bool], tcp_socket: TcpSocket) -> None:
        self._connection_lost(tcp_socket)
        if not self._closed:
            self.connect_tcp(candidate, is_needed)

    def _connection_lost(self, tcp_socket: TcpSocket) -> None:
        if not self._closed and tcp_socket in self._sockets:
            self._sockets.remove(tcp_socket)
            self._remove_socket(tcp_socket)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = start_task(work, name="livekit ICE gathering")
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("gathering ICE candidates failed", exc_info=error)
