"""Mutated datagrams sent into a live connection: it stays connected, logs nothing and does not leak memory."""

from __future__ import annotations

import asyncio
import logging
import random
import resource
from collections import deque

import pytest

from fuzz.mutate import mutate
from livekit.webrtc.ice import Address
from livekit.webrtc.interfaces import PeerOptions, PeerState
from livekit.webrtc.network.udp import UdpSocket
from livekit.webrtc.peer_connection import RtcPeerConnection
from tests.webrtc.test_peer_connection import Watched, connected

BURST = 32
"""Datagrams per iteration of the event loop."""
CHECK_EVERY = 500
KEPT = 100
"""Datagrams kept from the beginning (checks and handshakes), and as many of the latest."""
PATIENCE = 50.0
"""Seconds; above every timeout that the flood could trigger."""
GROWTH = 8 * 1024
"""KiB that the process may grow by."""


def patient() -> RtcPeerConnection:
    """Make a connection that fails only because of received datagrams, never by a timeout."""
    return RtcPeerConnection(PeerOptions(consent_timeout=PATIENCE))


class Tap:
    """Records the datagrams that all sockets of this process send, and sends mutated copies."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
        self._randomness = random.Random(seed)
        self._first: list[bytes] = []
        self._last: deque[bytes] = deque(maxlen=KEPT)
        self._routes: set[tuple[UdpSocket, Address]] = set()
        self._send = send = UdpSocket.send

        def record_and_send(udp_socket: UdpSocket, data: bytes, address: Address) -> None:
            (self._first if len(self._first) < KEPT else self._last).append(bytes(data))
            self._routes.add((udp_socket, address))
            send(udp_socket, data, address)

        monkeypatch.setattr(UdpSocket, "send", record_and_send)

    def inject(self, count: int) -> None:
        """Send mutated copies, each over a route in use: a socket and a remote address."""
        material, routes = [*self._first, *self._last], list(self._routes)
        for _ in range(count):
            udp_socket, address = self._randomness.choice(routes)
            data = mutate(self._randomness.choice(material), material, self._randomness)
            if udp_socket._socket.fileno() >= 0 and data not in material:
                self._send(udp_socket, data[:1400], address)


async def exchange(a: Watched, b: Watched, number: int) -> None:
    """Send a message in each direction; both must arrive intact."""
    data = b"%d" % number * 500
    for sender, receiver in ((a, b), (b, a)):
        sender.channels["_reliable"].send(data)
        assert await asyncio.wait_for(receiver.inbox.get(), PATIENCE) == ("_reliable", data)


async def bombard(tap: Tap, a: Watched, b: Watched, count: int) -> None:
    for number in range(0, count, BURST):
        tap.inject(BURST)
        await asyncio.sleep(0)
        if number % CHECK_EVERY < BURST:
            await exchange(a, b, number)


@pytest.mark.parametrize("count", [5_000, pytest.param(1_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])])
async def test_mutated_datagrams_are_ignored(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    caplog.set_level(logging.INFO)
    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context))
    tap = Tap(monkeypatch, seed=count)
    async with connected(patient, patient) as (a, b):
        await bombard(tap, a, b, count // 5)  # allocations made once
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        await bombard(tap, a, b, count - count // 5)
        await exchange(a, b, count)
        assert (a.peer.state, b.peer.state) == (PeerState.CONNECTED, PeerState.CONNECTED)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < GROWTH
    assert failures == []
    assert caplog.records == []
