"""An engine with a listener that records its callbacks, for tests against a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit.engine import EngineState
from livekit.engine.interfaces import SendOptions
from livekit.engine.rtc_engine import RtcEngine
from livekit.options import RoomOptions
from livekit.protocol import models, rtc
from livekit.webrtc import PeerConnection, PeerOptions, create_peer_connection

TIMEOUT = 15.0
"""Seconds for any operation of these tests."""


class RecordingListener:
    """Listens to its own engine, the connection of one participant."""

    def __init__(self, url: str, token: str, options: RoomOptions | None = None) -> None:
        self.token = token
        self.peers: list[PeerConnection] = []
        self.engine = RtcEngine(url, token, options or RoomOptions(), self, make_peer=self._make_peer)
        self.joins: list[tuple[rtc.JoinResponse, bool]] = []
        self.signals: list[str | None] = []
        self.packets: list[bytes] = []
        """The payloads of user packets."""
        self.answers: list[models.RpcResponse] = []
        self.fails_at: bytes | None = None
        """The payload at which `on_packet` raises."""
        self.states: list[EngineState] = []
        self.reason = models.DisconnectReason.UNKNOWN_REASON
        self._changed = asyncio.Event()

    @property
    def sid(self) -> str:
        return self.joins[-1][0].participant.sid

    @property
    def identity(self) -> str:
        return self.joins[-1][0].participant.identity

    def send(self, payload: bytes, *to: str, reliable: bool = True) -> None:
        self.engine.send_packet(packet(payload, *to), SendOptions(reliable))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a callback makes the condition true."""

        async def wait() -> None:
            while not condition():
                self._changed.clear()
                await self._changed.wait()

        await asyncio.wait_for(wait(), TIMEOUT)

    async def until_received(self, payload: bytes) -> None:
        await self.until(lambda: payload in self.packets)

    async def until_state(self, *states: EngineState) -> None:
        """Wait until the last reported states are these."""
        await self.until(lambda: tuple(self.states[-len(states) :]) == states)

    def _make_peer(self, options: PeerOptions) -> PeerConnection:
        peer = create_peer_connection(options)
        self.peers.append(peer)
        return peer

    # EngineListener

    def on_joined(self, join: rtc.JoinResponse, *, rejoined: bool) -> None:
        self.joins.append((join, rejoined))
        self._changed.set()

    def on_signal(self, message: rtc.SignalResponse) -> None:
        self.signals.append(message.WhichOneof("message"))
        self._changed.set()

    def on_packet(self, packet: models.DataPacket) -> None:
        if packet.HasField("rpc_response"):
            self.answers.append(packet.rpc_response)
        else:
            self.packets.append(packet.user.payload)
        self._changed.set()
        if packet.user.payload == self.fails_at:
            raise RuntimeError("a mistake of the application")

    def on_state(self, state: EngineState, reason: models.DisconnectReason) -> None:
        self.states.append(state)
        self.reason = reason
        self._changed.set()


def packet(payload: bytes, *to: str) -> models.DataPacket:
    return models.DataPacket(destination_identities=to, user=models.UserPacket(payload=payload))
