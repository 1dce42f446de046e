"""Packets sent right before leaving arrive, even if WebRTC has a longer delay than signaling."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from livekit import Room, RpcInvocationData
from livekit.protocol import models
from livekit.testing import TokenServer
from livekit.webrtc.ice import Address
from livekit.webrtc.network.udp import UdpSocket
from tests.engine.conftest import Join

DELAY = 0.2
"""Seconds by which datagrams are delayed."""


@pytest.fixture
def slow_media(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """While it is set, datagrams are delayed by `DELAY`."""
    is_slow, send = asyncio.Event(), UdpSocket.send

    def send_late(udp_socket: UdpSocket, data: bytes, address: Address) -> None:
        if is_slow.is_set():
            asyncio.get_running_loop().call_later(DELAY, send, udp_socket, data, address)
        else:
            send(udp_socket, data, address)

    def send_batch_late(udp_socket: UdpSocket, datagrams: Sequence[bytes], address: Address) -> None:
        for datagram in datagrams:
            send_late(udp_socket, datagram, address)

    monkeypatch.setattr(UdpSocket, "send", send_late)
    monkeypatch.setattr(UdpSocket, "send_batch", send_batch_late)
    return is_slow


@pytest.fixture
async def bob(server: TokenServer, room_name: str) -> Room:
    room = Room()
    await room.connect(server.url, server.token("bob", room=room_name))
    return room


async def test_callee_answers_pending_calls_before_it_leaves(join: Join, bob: Room, slow_media: asyncio.Event) -> None:
    """Some SDKs do not end calls when the callee leaves: their callers depend on the response."""
    alice, called = await join("alice"), asyncio.Event()

    @bob.register_rpc_method("wait")
    async def wait(invocation: RpcInvocationData) -> str:
        called.set()
        await asyncio.Event().wait()
        return "never"

    request = models.RpcRequest(id="1", method="wait", response_timeout_ms=60_000, version=1)
    alice.engine.send_packet(models.DataPacket(destination_identities=["bob"], rpc_request=request))
    await called.wait()
    slow_media.set()
    await bob.disconnect()
    await alice.until(lambda: bool(alice.answers))
    assert (alice.answers[0].request_id, alice.answers[0].error.code) == ("1", 1503)


async def test_published_data_arrives_before_its_sender_leaves(
    join: Join, bob: Room, slow_media: asyncio.Event
) -> None:
    alice = await join("alice")
    slow_media.set()
    for number in range(100):
        await bob.local_participant.publish_data(b"%d" % number, destination_identities=["alice"])
    await bob.disconnect()
    await alice.until_received(b"99")
    assert alice.packets == [b"%d" % number for number in range(100)]
