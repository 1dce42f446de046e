"""An in-memory signal server that admits every client, after sending a given message."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, cast

import aiohttp

from fuzz.fuzz_sdp import SEEDS as DESCRIPTIONS
from livekit._util.callbacks import ignore
from livekit.protocol import models, rtc
from livekit.server.join_request import parse_join
from livekit.signaling import SignalConnection, SignalUrls
from livekit.signaling.connection import authorization_headers
from livekit.testing.faults import Faults
from livekit.testing.memory_link import MemoryLink
from livekit.testing.memory_server import _NoSession
from livekit.testing.memory_socket import MemorySocket, socket_pair
from livekit.webrtc import ChannelOptions, DataChannel, IceServerSettings, PeerOptions, PeerState
from livekit.webrtc.ice import Candidate, CandidateError
from livekit.webrtc.negotiation import read_remote
from livekit.webrtc.network.ice_server import IceServer
from livekit.webrtc.sdp import SessionDescription

OFFER = DESCRIPTIONS[0].decode()
ANSWER = OFFER.replace("actpass", "passive")


def _join() -> rtc.SignalResponse:
    join = rtc.JoinResponse(ping_interval=5, ping_timeout=15, room=models.Room(sid="RM_1", name="demo"))
    join.participant.CopyFrom(models.ParticipantInfo(identity="alice", sid="PA_alice"))
    join.other_participants.add(identity="bob", sid="PA_bob", client_protocol=2)
    join.ice_servers.add(urls=["turn:192.0.2.1:3478?transport=udp"], username="u", credential="c")
    return rtc.SignalResponse(join=join)


JOIN = _join()
RECONNECT = rtc.SignalResponse(reconnect=rtc.ReconnectResponse(last_message_seq=1))


class SignalServer:
    """Serves one client at a time."""

    def __init__(self) -> None:
        self.greeting = b""
        """The message sent first on the next connection; empty for none."""
        self._socket: MemorySocket | None = None

    def make_peer(self, options: PeerOptions) -> Peer:
        return Peer(options)

    async def open_signal(self, urls: SignalUrls, token: str, progress: Callable[[str], None]) -> SignalConnection:
        """Replace `SignalConnection.open`."""
        authorization_headers(token)
        progress("connecting")
        near, far = socket_pair(MemoryLink(Faults, Random(0)))
        self._socket = far
        near.filter = self._handle_request
        greeting, self.greeting = self.greeting, b""
        if greeting:
            self.send(greeting)
        single = urls.websocket.path == "/rtc/v1"
        request = parse_join(urls.websocket.query, single_peer_connection=single)
        self._send_message(RECONNECT if request.reconnect else JOIN)
        if request.publisher_offer is not None:
            self._answer(request.publisher_offer)
        return SignalConnection(cast(aiohttp.ClientSession, _NoSession()), cast(Any, near))

    def send(self, data: bytes) -> None:
        if self._socket is not None:
            self._socket.send_now(data)

    def reset(self) -> None:
        """Abort the connection."""
        if self._socket is not None:
            self._socket.reset()

    def _send_message(self, message: rtc.SignalResponse) -> None:
        self.send(message.SerializeToString())

    def _answer(self, offer: rtc.SessionDescription) -> None:
        self._send_message(rtc.SignalResponse(answer=rtc.SessionDescription(type="answer", sdp=ANSWER, id=offer.id)))

    def _handle_request(self, data: bytes) -> None:
        """Answer offers and pings."""
        request = rtc.SignalRequest.FromString(data)
        if request.HasField("offer"):
            self._answer(request.offer)
        elif request.HasField("ping_req"):
            pong = rtc.Pong(last_ping_timestamp=request.ping_req.timestamp, timestamp=1)
            self._send_message(rtc.SignalResponse(pong_resp=pong))


class Peer:
    """Parses descriptions and candidates like a real peer connection but sends nothing; connected after the first."""

    def __init__(self, options: PeerOptions) -> None:
        self.on_state: Callable[[PeerState], None] = ignore
        self.on_channel: Callable[[DataChannel], None] = ignore
        self.on_candidate: Callable[[str | None], None] = ignore
        self.state = PeerState.NEW
        self.max_message_size = 65_536
        self.round_trip_time: float | None = None
        self._channels: list[Channel] = []
        self.use_ice_servers(options.ice_servers)

    def use_ice_servers(self, servers: Sequence[IceServerSettings]) -> None:
        for server in servers:
            for url in server.urls:
                IceServer.parse(url, server)

    def create_channel(self, options: ChannelOptions) -> DataChannel:
        channel = Channel(options.label)
        self._channels.append(channel)
        return channel

    async def create_offer(self, *, ice_restart: bool = False) -> str:
        return OFFER

    async def accept_offer(self, sdp: str) -> str:
        self._accept(sdp, is_offer=True)
        return ANSWER

    async def accept_answer(self, sdp: str) -> None:
        self._accept(sdp, is_offer=False)

    async def add_candidate(self, candidate: str | None) -> None:
        with contextlib.suppress(CandidateError):
            _ = Candidate.from_init(candidate or "")

    async def close(self) -> None:
        self.state = PeerState.CLOSED

    def _accept(self, sdp: str, *, is_offer: bool) -> None:
        read_remote(SessionDescription.parse(sdp), is_offer=is_offer)
        if self.state is PeerState.NEW:
            self.state = PeerState.CONNECTED
            for channel in self._channels:
                channel.is_open = True
                channel.on_open()
            self.on_state(self.state)


class Channel:
    """Discards and acknowledges every message immediately."""

    def __init__(self, label: str) -> None:
        self.on_open: Callable[[], None] = ignore
        self.on_message: Callable[[bytes], None] = ignore
        self.on_close: Callable[[], None] = ignore
        self.on_buffered_amount_low: Callable[[], None] = ignore
        self.buffered_amount_low_threshold = 0
        self.buffered_amount = 0
        self.send_window = 1 << 20
        self.label = label
        self.is_open = False

    def send(self, data: bytes, on_delivered: Callable[[], None] | None = None) -> None:
        if on_delivered is not None:
            on_delivered()
