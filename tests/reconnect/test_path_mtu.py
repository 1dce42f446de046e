"""The path MTU falls between two network namespaces: before and in the middle of a connection."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Generator

import pytest

from livekit.server import DEV_KEYS
from livekit.testing import RunningServer
from tests.support.processes import read_until, running

PORT = 7880  # the namespaces have no other programs
ADDRESSES = {4: ("10.98.7.1/24", "10.98.7.2/24"), 6: ("fd98:7::1/64", "fd98:7::2/64")}


def ip(*arguments: str) -> None:
    subprocess.run(("ip", *arguments), check=True, capture_output=True)


def can_make_namespaces() -> bool:
    if sys.platform != "linux" or shutil.which("ip") is None or os.geteuid() != 0:
        return False
    name = f"lk-{os.getpid()}-probe"
    try:
        ip("netns", "add", name)
        ip("netns", "del", name)
    except subprocess.CalledProcessError:
        return False
    return True


pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not can_make_namespaces(), reason="needs root and `ip netns` (Linux, iproute2)"),
]


class Link:
    """A server's and a client's namespace, joined by a pair of virtual Ethernet devices."""

    def __init__(self, version: int) -> None:
        self.server, self.client = (f"lk-{os.getpid()}-{one}" for one in ("server", "client"))
        self.version = version

    def open(self) -> None:
        for namespace in (self.server, self.client):
            ip("netns", "add", namespace)
            ip("-n", namespace, "link", "set", "lo", "up")
        ip("link", "add", "lk0", "netns", self.server, "type", "veth", "peer", "name", "lk0", "netns", self.client)
        for namespace, address in zip((self.server, self.client), ADDRESSES[self.version], strict=True):
            no_dad = ["nodad"] if self.version == 6 else []
            ip("-n", namespace, "address", "add", address, "dev", "lk0", *no_dad)
            # Unsegmented, the datagrams of UDP GSO would pass, whatever the MTU of the other end.
            ip("-n", namespace, "link", "set", "lk0", "gso_max_segs", "1", "up")

    def close(self) -> None:
        for namespace in (self.server, self.client):
            with contextlib.suppress(subprocess.CalledProcessError):
                ip("netns", "del", namespace)

    def set_mtu(self, mtu: int, where: str) -> None:
        """Lower the MTU of both ends: sockets report it. Or of one end, where longer packets then vanish on arrival."""
        for namespace in {"both": (self.server, self.client), "server": (self.server,), "client": (self.client,)}[
            where
        ]:
            ip("-n", namespace, "link", "set", "lk0", "mtu", str(mtu))

    @property
    def url(self) -> str:
        host = ADDRESSES[self.version][0].partition("/")[0]
        return f"ws://[{host}]:{PORT}" if self.version == 6 else f"ws://{host}:{PORT}"

    def run(self, namespace: str, *arguments: str) -> contextlib.AbstractAsyncContextManager[Process]:
        return running("ip", "netns", "exec", namespace, sys.executable, "-m", *arguments)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncGenerator[RunningServer]:
        host = "::" if self.version == 6 else "0.0.0.0"
        async with self.run(self.server, "livekit", "dev", "--bind", host, "--port", str(PORT)) as server:
            await asyncio.wait_for(read_until(server, str(PORT)), 20)
            yield RunningServer(self.url, *next(iter(DEV_KEYS.items())))

    @contextlib.asynccontextmanager
    async def calling(self) -> AsyncGenerator[Process]:
        """Run the server, a callee beside it and a caller at the other end; yield the caller."""
        async with self.serving() as server, contextlib.AsyncExitStack() as peers:
            for role, namespace in (("callee", self.server), ("caller", self.client)):
                peer = self.run(namespace, "tests.reconnect.mtu_peer", role, self.url, server.token(role, room="r"))
                process = await peers.enter_async_context(peer)
                await asyncio.wait_for(read_until(process, "joined"), 20)
            yield process


@pytest.fixture
def make_link() -> Generator[type[Link]]:
    links: list[Link] = []

    class OpenLink(Link):
        def __init__(self, version: int) -> None:
            super().__init__(version)
            links.append(self)
            self.open()

    yield OpenLink
    for link in links:
        link.close()


async def seconds_to_success(caller: Process, count: int = 5) -> float:
    """Return the seconds until that many pairs of calls in succession have begun to succeed."""
    assert caller.stdout is not None
    started = begun = time.monotonic()
    succeeded = 0
    while succeeded < count:
        line = await asyncio.wait_for(caller.stdout.readline(), 30)
        assert line, "the caller ended"
        if line == b"ok ok\n":
            succeeded += 1
            continue
        succeeded, begun = 0, time.monotonic()
        assert begun - started < 60, "calls do not succeed again"
    return begun - started


@pytest.mark.parametrize(
    ("version", "mtu", "where", "limit"),
    [
        (4, 1_280, "both", 1.0),
        (4, 1_280, "server", 1.0),
        (4, 1_280, "client", 1.0),
        (4, 1_100, "both", 1.0),
        (4, 1_100, "server", 20.0),  # a chunk in flight can never arrive: the engine reconnects
        (4, 1_100, "client", 20.0),
        (4, 576, "both", 1.0),
        (6, 1_280, "both", 1.0),
        (6, 1_280, "server", 1.0),
        (6, 1_280, "client", 1.0),
    ],
)
async def test_calls_succeed_after_a_fall(
    make_link: type[Link], version: int, mtu: int, where: str, limit: float
) -> None:
    link = make_link(version)
    async with link.calling() as caller:
        await seconds_to_success(caller)
        link.set_mtu(mtu, where)
        assert await seconds_to_success(caller, 10) <= limit


@pytest.mark.parametrize(
    ("version", "mtu", "where"),
    [(4, 1_100, "both"), (4, 576, "both"), (4, 576, "server"), (4, 576, "client"), (6, 1_280, "both")],
)
async def test_connects_on_a_small_mtu(make_link: type[Link], version: int, mtu: int, where: str) -> None:
    link = make_link(version)
    link.set_mtu(mtu, where)
    async with link.calling() as caller:
        await seconds_to_success(caller)
