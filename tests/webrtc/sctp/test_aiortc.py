"""Interoperability with aiortc's SCTP, without DTLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from livekit.webrtc.sctp import Association, ChannelState, State

aiortc = pytest.importorskip("aiortc")

from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters  # noqa: E402
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport  # noqa: E402


class FakeDtlsTransport:
    """Replaces the DTLS transport of aiortc, and drives our association on the event loop."""

    state = "connected"

    def __init__(self, *, we_are_client: bool) -> None:
        self._role = "server" if we_are_client else "client"
        self.association = Association()
        self.association.on_output = self._wake
        self._to_peer: asyncio.Queue[bytes] = asyncio.Queue()
        self._woken = asyncio.Event()
        self._receiver: Any = None
        self.peer = RTCSctpTransport(cast("Any", self))
        self._we_are_client = we_are_client

    # Called by aiortc.

    def _register_data_receiver(self, receiver: object) -> None:
        self._receiver = receiver

    def _unregister_data_receiver(self, receiver: object) -> None:
        self._receiver = None

    async def _send_data(self, data: bytes) -> None:
        self.association.receive_datagram(data, asyncio.get_running_loop().time())
        self._wake()

    # Driver of our association.

    def _wake(self) -> None:
        self._woken.set()

    async def connect(self, *, initiate: bool) -> None:
        self.association.connect(asyncio.get_running_loop().time(), is_client=self._we_are_client, initiate=initiate)
        await self.peer.start(RTCSctpCapabilities(maxMessageSize=65536), 5000)

    async def drive(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            for datagram in self.association.datagrams_to_send(loop.time()):
                self._to_peer.put_nowait(datagram)
            self._woken.clear()
            timer = self.association.next_timer()
            try:
                await asyncio.wait_for(self._woken.wait(), None if timer is None else max(0.0, timer - loop.time()))
            except asyncio.TimeoutError:
                self.association.handle_timer(loop.time())

    async def deliver(self) -> None:
        while True:
            datagram = await self._to_peer.get()
            if self._receiver is not None:
                await self._receiver._handle_data(datagram)


@pytest.fixture(params=[True, False], ids=["client", "server"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[FakeDtlsTransport]:
    transport = FakeDtlsTransport(we_are_client=request.param)
    tasks = [asyncio.create_task(transport.drive()), asyncio.create_task(transport.deliver())]
    yield transport
    await transport.peer.stop()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def establish(transport: FakeDtlsTransport, *, initiate: bool = True) -> None:
    established = asyncio.Event()
    transport.association.on_established = established.set
    await transport.connect(initiate=initiate)
    await asyncio.wait_for(established.wait(), 5)


@pytest.mark.parametrize("initiate", [True, False])
async def test_messages_in_both_directions_on_our_channel(transport: FakeDtlsTransport, initiate: bool) -> None:
    done = asyncio.Event()
    got: list[bytes] = []
    confirmed: list[int] = []
    sizes = (1, 0, 1159, 1161, 50_000, 65_536)

    def on_datachannel(far: RTCDataChannel) -> None:
        far.on("message", far.send)

    transport.peer.on("datachannel", on_datachannel)
    channel = transport.association.open_channel("ours")

    def on_message(message: bytes) -> None:
        got.append(message)
        if len(got) == len(sizes):
            done.set()

    channel.on_message = on_message
    await establish(transport, initiate=initiate)
    for index, size in enumerate(sizes):
        channel.send(bytes((index,)) * size, lambda index=index: confirmed.append(index))  # type: ignore[misc]
    await asyncio.wait_for(done.wait(), 10)
    assert got == [bytes((index,)) * size for index, size in enumerate(sizes)]
    assert confirmed == list(range(len(sizes)))


async def test_channel_of_the_peer_and_its_close(transport: FakeDtlsTransport) -> None:
    opened, closed = asyncio.Event(), asyncio.Event()
    got: list[bytes] = []

    def on_channel(channel: Any) -> None:
        channel.on_message = got.append
        channel.on_close = closed.set
        opened.set()

    transport.association.on_channel = on_channel
    await establish(transport)
    far = RTCDataChannel(transport.peer, RTCDataChannelParameters(label="theirs", ordered=False, maxRetransmits=0))
    theirs_opened = asyncio.Event()
    far.on("open", theirs_opened.set)
    await asyncio.wait_for(opened.wait(), 5)
    if far.readyState != "open":
        await asyncio.wait_for(theirs_opened.wait(), 5)
    for index in range(200):
        far.send(bytes((index,)) * 3000)
    far.send("text")
    far.close()
    await asyncio.wait_for(closed.wait(), 5)
    assert sorted(got[:-1]) == [bytes((index,)) * 3000 for index in range(200)]
    assert got[-1] == b"text"


async def test_close_reaches_the_peer(transport: FakeDtlsTransport) -> None:
    closed, theirs = asyncio.Event(), asyncio.Event()

    def on_datachannel(far: RTCDataChannel) -> None:
        far.on("close", theirs.set)

    transport.peer.on("datachannel", on_datachannel)
    channel = transport.association.open_channel("ours")
    channel.on_close = closed.set
    await establish(transport)
    channel.send(b"last")
    channel.close()
    await asyncio.wait_for(asyncio.gather(closed.wait(), theirs.wait()), 5)
    assert channel.state is ChannelState.CLOSED


async def test_abort_of_the_peer_closes_the_association(transport: FakeDtlsTransport) -> None:
    closed = asyncio.Event()
    transport.association.on_closed = lambda reason: closed.set()
    await establish(transport)
    await transport.peer.stop()
    await asyncio.wait_for(closed.wait(), 5)
    assert transport.association.state is State.CLOSED
