"""The paths of one peer connection and the local candidates on them: found, connected, and closed together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from .ice import Address, Candidate
from .interfaces import IceServerSettings, PeerOptions
from .network import Gatherer, Path, Receive, SocketPath, TcpPath, UdpPath, host_addresses, open_tcp_path, open_udp_path

__all__ = ["LocalPaths"]

logger = logging.getLogger("livekit.webrtc")

TCP_DELAY = 0.5
"""Seconds that UDP has before TCP candidates are tried."""
CLOSE_TIMEOUT = 1.0
"""Seconds to wait for sockets and relays to close."""

AddPath = Callable[[Path, Candidate, "Candidate | None"], None]
"""Called with a new path, its candidate and, for a TCP connection, the only remote candidate that it reaches."""


class LocalPaths:
    """Callbacks are plain attributes."""

    def __init__(
        self, receive: Receive, options: PeerOptions, *, add: AddPath, remove: Callable[[TcpPath], None]
    ) -> None:
        """`remove` is told of a TCP connection that broke."""
        self.on_candidate: Callable[[Candidate], None] = lambda _: None
        """A candidate found after `gather` has returned."""
        self.on_gathered: Callable[[], None] = lambda: None
        self.candidates: list[Candidate] = []
        """In the order in which they were found."""
        self.is_gathered = False
        self._receive = receive
        self._add = add
        self._remove = remove
        self._relay_only = options.relay_only
        self._servers = list(options.ice_servers)
        self._gatherer = Gatherer(receive, self._found)
        self._hosts: dict[str, SocketPath | UdpPath] = {}
        self._paths: list[Path] = []
        self._has_gathered_hosts = False
        self._asking = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def gather(self) -> None:
        """Open a socket on every local address that has none yet; ask STUN and TURN servers in the background."""
        fresh = [] if self._relay_only else [host for host in host_addresses() if host not in self._hosts]
        for host in fresh:
            try:
                path = await open_udp_path(self._receive, host)
            except OSError as error:
                logger.debug("no candidate on %s: %s", host, error)
                continue
            if self._closed:
                path.close()
                return
            self._hosts[host] = path
            preference = 65_535 - len(self.candidates)
            self._found(Candidate.local("host", path.local_address, preference=preference), path)
        self._has_gathered_hosts = True
        self.use_servers(())

    def use_servers(self, servers: Sequence[IceServerSettings]) -> None:
        """Ask these STUN and TURN servers too, once the host candidates are there."""
        self._servers += servers
        if not self._has_gathered_hosts or self._closed:
            return
        asked, self._servers = [server for server in self._servers if server.urls], []
        if asked:
            self.is_gathered = False
            self._asking += 1
            self._spawn(self._ask(asked))
        elif not self._asking:
            self.is_gathered = True

    def take(self, data: bytes) -> bool:
        """Whether this STUN packet is the answer of a STUN server."""
        return self._gatherer.take(data)

    def connect(self, candidate: Candidate, is_wanted: Callable[[], bool]) -> None:
        """Connect to a TCP candidate of the peer after a while, if it is wanted then."""
        if candidate.tcp_type == "passive" and candidate.ip_version is not None and not self._relay_only:
            self._spawn(self._connect(candidate, is_wanted))

    async def close(self) -> None:
        """Release every socket and task."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for path in self._paths:
            path.close()
        ends = asyncio.gather(*tasks, *(path.wait_closed() for path in self._paths), return_exceptions=True)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(ends, CLOSE_TIMEOUT)

    async def _ask(self, servers: Sequence[IceServerSettings]) -> None:
        await self._gatherer.run(servers, list(self._hosts.values()), relay_only=self._relay_only)
        self._asking -= 1
        if not self._asking:
            self.is_gathered = True
            self.on_gathered()

    def _found(self, candidate: Candidate, path: Path | None) -> None:
        self.candidates.append(candidate)
        if path is not None:
            self._paths.append(path)
            self._add(path, candidate, None)
        if candidate.kind != "host":
            self.on_candidate(candidate)

    async def _connect(self, candidate: Candidate, is_wanted: Callable[[], bool]) -> None:
        await asyncio.sleep(TCP_DELAY)
        if not is_wanted():
            return
        address: Address = candidate.address
        try:
            path = await open_tcp_path(self._receive, address, self._lost)
        except (OSError, asyncio.TimeoutError) as error:
            logger.debug("no TCP connection to %s:%d: %s", *address, error)
            return
        self._paths.append(path)
        self._add(path, Candidate.local("host", path.local_address, preference=0), candidate)

    def _lost(self, path: TcpPath) -> None:
        if not self._closed:
            self._remove(path)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("gathering or connecting failed", exc_info=error)
