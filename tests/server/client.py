"""A minimal client: raw signal messages over a WebSocket, and peer connections."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
from collections.abc import AsyncGenerator
from urllib.parse import urlencode

import aiohttp

from livekit.protocol import models, rtc
from livekit.server import DevServer
from livekit.server.events import ParticipantJoined, ParticipantLeft, RoomEvent
from livekit.webrtc import ChannelOptions, DataChannel, PeerConnection, PeerState, create_peer_connection

PATIENCE = 10.0
"""Timeout of a test's waits, in seconds."""

RELIABLE = ChannelOptions(label="_reliable")
LOSSY = ChannelOptions(label="_lossy", ordered=False, max_retransmits=0)


def http_url(server: DevServer, path: str, **query: str) -> str:
    return server.url.replace("ws", "http", 1) + path + ("?" + urlencode(query) if query else "")


def join_request(request: rtc.JoinRequest) -> str:
    wrapped = rtc.WrappedJoinRequest(
        compression=rtc.WrappedJoinRequest.GZIP, join_request=gzip.compress(request.SerializeToString())
    )
    return base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()


class WireClient:
    """A client of one test; `open_client` creates it."""

    def __init__(self, http: aiohttp.ClientSession, server: DevServer, token: str, *, single: bool) -> None:
        self.single = single
        self.packets: asyncio.Queue[tuple[models.DataPacket, bool]] = asyncio.Queue()
        self.publisher = create_peer_connection()
        self.subscriber: PeerConnection | None = None
        self.channels: dict[bool, DataChannel] = {}
        self.sid = ""
        self.join = rtc.JoinResponse()
        self._http = http
        self._server = server
        self._token = token
        self._offers = 0
        self._up = asyncio.Event()
        self.socket: aiohttp.ClientWebSocketResponse[bool] | None = None
        if not single:
            self._listen_subscriber()

    async def connect(self) -> rtc.JoinResponse:
        """Join and wait until packets can be sent and received; return the join response."""
        self._open_channels()
        await self.open_socket(publisher_offer=await self.make_offer() if self.single else None)
        self.join.CopyFrom((await self.next_signal("join")).join)
        self.sid = self.join.participant.sid
        if not self.single:
            await self.send_signal(rtc.SignalRequest(offer=await self.make_offer()))
            await self.take_subscriber_offer()
        await self.take_answer()
        await asyncio.wait_for(self._up.wait(), PATIENCE)
        return self.join

    async def open_socket(
        self, *, publisher_offer: rtc.SessionDescription | None = None, reconnect: bool = False
    ) -> None:
        client = models.ClientInfo(sdk=models.ClientInfo.PYTHON, protocol=17, client_protocol=2)
        if self.single:
            request = rtc.JoinRequest(
                client_info=client, reconnect=reconnect, participant_sid=self.sid, publisher_offer=publisher_offer
            )
            url = http_url(self._server, "/rtc/v1", join_request=join_request(request))
        else:
            resume = {"reconnect": "1", "sid": self.sid} if reconnect else {}
            url = http_url(self._server, "/rtc", sdk="python", protocol="17", client_protocol="2", **resume)
        headers = {"Authorization": f"Bearer {self._token}"}
        self.socket = await self._http.ws_connect(url, headers=headers, autoclose=False)

    async def send_signal(self, request: rtc.SignalRequest) -> None:
        assert self.socket is not None
        await self.socket.send_bytes(request.SerializeToString())

    async def receive(self) -> bytes | None:
        """Return the next message, or None at the end of the connection."""
        assert self.socket is not None
        message = await asyncio.wait_for(self.socket.receive(), PATIENCE)
        return message.data if message.type is aiohttp.WSMsgType.BINARY else None

    async def next_signal(self, kind: str) -> rtc.SignalResponse:
        """Return the next signal message of a kind; skip messages of other kinds."""
        while (data := await self.receive()) is not None:
            response = rtc.SignalResponse.FromString(data)
            if response.WhichOneof("message") == kind:
                return response
        raise AssertionError(f"the signal connection ended before a message of kind {kind}")

    async def until_closed(self) -> int | None:
        """Read until the connection ends; return the close code."""
        while await self.receive() is not None:
            pass
        assert self.socket is not None
        return self.socket.close_code

    async def until_update(self, sid: str, state: models.ParticipantInfo.State) -> models.ParticipantInfo:
        """Return the next participant update with that sid and state."""
        while True:
            for info in (await self.next_signal("update")).update.participants:
                if (info.sid, info.state) == (sid, state):
                    return info

    async def make_offer(self) -> rtc.SessionDescription:
        self._offers += 1
        return rtc.SessionDescription(type="offer", sdp=await self.publisher.create_offer(), id=self._offers)

    async def take_answer(self) -> None:
        answer = (await self.next_signal("answer")).answer
        assert (answer.type, answer.id) == ("answer", self._offers)
        await self.publisher.accept_answer(answer.sdp)

    async def take_subscriber_offer(self) -> None:
        assert self.subscriber is not None
        offer = (await self.next_signal("offer")).offer
        sdp = await self.subscriber.accept_offer(offer.sdp)
        await self.send_signal(rtc.SignalRequest(answer=rtc.SessionDescription(type="answer", sdp=sdp, id=offer.id)))

    def send(self, packet: models.DataPacket, *, reliable: bool = True) -> None:
        self.channels[reliable].send(packet.SerializeToString())

    async def next_packet(self) -> tuple[models.DataPacket, bool]:
        return await asyncio.wait_for(self.packets.get(), PATIENCE)

    async def replace_transport(self) -> None:
        """Replace the publisher connection by a new one, which has not made an offer yet."""
        await self.publisher.close()
        self.publisher = create_peer_connection()
        self._open_channels()

    async def close(self) -> None:
        if self.socket is not None:
            await self.socket.close()
        await self.publisher.close()
        if self.subscriber is not None:
            await self.subscriber.close()

    def _open_channels(self) -> None:
        for reliable, options in ((True, RELIABLE), (False, LOSSY)):
            self.channels[reliable] = channel = self.publisher.create_channel(options)
            if self.single:
                self._listen(channel, reliable)
            channel.on_open = self._check_up

    def _listen(self, channel: DataChannel, reliable: bool) -> None:
        channel.on_message = lambda data: self.packets.put_nowait((models.DataPacket.FromString(data), reliable))

    def _listen_subscriber(self) -> None:
        self.subscriber = create_peer_connection()
        self.subscriber.on_channel = lambda channel: self._listen(channel, channel.label == RELIABLE.label)

    def _check_up(self) -> None:
        if all(channel.is_open for channel in self.channels.values()) and self.publisher.state is PeerState.CONNECTED:
            self._up.set()


@contextlib.asynccontextmanager
async def expect_event(
    server: DevServer, kind: type[ParticipantJoined | ParticipantLeft], identity: str
) -> AsyncGenerator[None]:
    """On exit, wait until the participant has had an event of that kind since entry."""
    received = asyncio.Event()

    def observe(event: RoomEvent) -> None:
        if isinstance(event, kind) and event.participant.identity == identity:
            received.set()

    stop = server.rooms.observe(observe)
    try:
        yield
        await asyncio.wait_for(received.wait(), PATIENCE)
    finally:
        stop()


@contextlib.asynccontextmanager
async def open_client(
    server: DevServer, identity: str, *, single: bool = True, connect: bool = True
) -> AsyncGenerator[WireClient]:
    async with aiohttp.ClientSession() as http:
        client = WireClient(http, server, server.token(identity, room="demo"), single=single)
        try:
            if connect:
                async with expect_event(server, ParticipantJoined, identity):
                    _ = await client.connect()
            yield client
        finally:
            await client.close()
