"""The ICE gatherer: local candidates of one peer connection and the sockets behind them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from livekit._util.aio import start_task
from livekit._util.callbacks import ignore
from livekit.webrtc.ice import Address, Candidate
from livekit.webrtc.interfaces import IceServerSettings, PeerOptions

from .host_addresses import host_addresses
from .server_candidates import ServerCandidates
from .sockets import IceSocket, ReceiveDatagram
from .tcp import TcpSocket, open_tcp_socket
from .udp import TransportSocket, UdpSocket, open_udp_socket

__all__ = ["IceGatherer"]

logger = logging.getLogger("livekit.webrtc")

TCP_DELAY = 0.5
"""Seconds that UDP has to connect before TCP candidates are tried."""
CLOSE_TIMEOUT = 1.0
"""Seconds to wait for TCP connections and TURN allocations to close."""

AddSocket = Callable[[IceSocket, Candidate, "Candidate | None"], None]
"""Called with a new socket, its local candidate and, for ICE-TCP, the remote candidate it is connected to."""


class IceGatherer:
    """Opens sockets, gathers their candidates, and closes all together. Callbacks are plain attributes."""

    def __init__(
        self,
        receive: ReceiveDatagram,
        options: PeerOptions,
        *,
        add_socket: AddSocket,
        remove_socket: Callable[[TcpSocket], None],
    ) -> None:
        """`remove_socket` is called with an ICE-TCP connection that was lost."""
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
        self._relay_only = options.relay_only
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
        new_hosts = [] if self._relay_only else [host for host in host_addresses() if host not in self._hosts]
        for host in new_hosts:
            try:
                udp_socket = await open_udp_socket(self._receive, host)
            except OSError as error:
                logger.debug("no host candidate on %s: %s", host, error)
                continue
            if self._closed:
                udp_socket.close()
                return
            self._hosts[host] = udp_socket
            preference = 65_535 - len(self.candidates)
            self._add_candidate(Candidate.local("host", udp_socket.local_address, preference=preference), udp_socket)
        self._has_gathered_hosts = True
        self.use_servers(())

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
        """Connect to a passive TCP candidate of the peer after `TCP_DELAY`, if `is_needed` returns True then."""
        if candidate.tcp_type == "passive" and candidate.ip_version is not None and not self._relay_only:
            self._spawn(self._connect_tcp(candidate, is_needed))

    async def close(self) -> None:
        """Close every socket and cancel every task; wait for up to `CLOSE_TIMEOUT`."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for ice_socket in self._sockets:
            ice_socket.close()
        closing = asyncio.gather(*tasks, *(one.wait_closed() for one in self._sockets), return_exceptions=True)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(closing, CLOSE_TIMEOUT)

    async def _query_servers(self, servers: Sequence[IceServerSettings]) -> None:
        await self._server_candidates.gather(servers, list(self._hosts.values()), relay_only=self._relay_only)
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
        self._sockets.append(tcp_socket)
        self._add_socket(tcp_socket, Candidate.local("host", tcp_socket.local_address, preference=0), candidate)

    def _connection_lost(self, tcp_socket: TcpSocket) -> None:
        if not self._closed:
            self._remove_socket(tcp_socket)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = start_task(work, name="livekit ICE gathering")
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("gathering ICE candidates failed", exc_info=error)
