"""Changed datagrams of all kinds into a connection that lives: it goes on, says nothing of them, and does not grow."""

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

AT_ONCE = 32
"""Datagrams between turns of the loop."""
CHECK_EVERY = 500
FIRST = 100
"""Datagrams that are kept as they came first: checks and handshakes."""
PATIENCE = 50.0
"""Seconds."""
GROWTH = 8 * 1024
"""KiB of the process."""


def patient() -> RtcPeerConnection:
    """A connection that is lost for no other reason than what comes."""
    return RtcPeerConnection(PeerOptions(consent_timeout=PATIENCE))


class Tapped:
    """Keeps what the sockets of this process send, and sends changed copies."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
        self._randomness = random.Random(seed)
        self._first: list[bytes] = []
        self._last: deque[bytes] = deque(maxlen=FIRST)
        self._ways: set[tuple[UdpSocket, Address]] = set()
        self._send = send = UdpSocket.send

        def tapped(path: UdpSocket, data: bytes, address: Address) -> None:
            (self._first if len(self._first) < FIRST else self._last).append(bytes(data))
            self._ways.add((path, address))
            send(path, data, address)

        monkeypatch.setattr(UdpSocket, "send", tapped)

    def inject(self, count: int) -> None:
        """Send changed copies, each on one of the ways that are in use."""
        material, ways = [*self._first, *self._last], list(self._ways)
        for _ in range(count):
            path, address = self._randomness.choice(ways)
            data = mutate(self._randomness.choice(material), material, self._randomness)
            if path._socket.fileno() >= 0 and data not in material:
                self._send(path, data[:1400], address)


async def exchange(a: Watched, b: Watched, number: int) -> None:
    """A message each way, in order and whole."""
    data = b"%d" % number * 500
    for sender, receiver in ((a, b), (b, a)):
        sender.channels["_reliable"].send(data)
        assert await asyncio.wait_for(receiver.inbox.get(), PATIENCE) == ("_reliable", data)


async def bombard(tapped: Tapped, a: Watched, b: Watched, count: int) -> None:
    for number in range(0, count, AT_ONCE):
        tapped.inject(AT_ONCE)
        await asyncio.sleep(0)
        if number % CHECK_EVERY < AT_ONCE:
            await exchange(a, b, number)


@pytest.mark.parametrize("count", [5_000, pytest.param(1_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])])
async def test_changed_datagrams_change_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    caplog.set_level(logging.INFO)
    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context))
    tapped = Tapped(monkeypatch, seed=count)
    async with connected(patient, patient) as (a, b):
        await bombard(tapped, a, b, count // 5)  # what is made once is made
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        await bombard(tapped, a, b, count - count // 5)
        await exchange(a, b, count)
        assert (a.peer.state, b.peer.state) == (PeerState.CONNECTED, PeerState.CONNECTED)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < GROWTH
    assert failures == []
    assert caplog.records == []
