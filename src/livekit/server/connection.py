"""A participant's link over the network: its WebSocket, its peer connections, and the core between them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from livekit._util.aio import loop_time
from livekit.protocol import rtc
from livekit.webrtc import PeerOptions, create_peer_connection

from . import data_tracks, limits
from .forwarding import forward
from .participant import Participant, State
from .responses import DisconnectReason
from .room import JoinParameters, Room
from .signal_dispatch import handle
from .signal_socket import SignalSocket
from .tasks import OwnedTasks
from .transport_manager import PeerFactory, TransportCallbacks, TransportManager

logger = logging.getLogger(__name__)


class Connection:
    """Implements :class:`.link.ParticipantLink`; lives as long as its participant."""

    def __init__(
        self,
        socket: SignalSocket,
        tasks: OwnedTasks,
        *,
        single_peer_connection: bool,
        options: PeerOptions | None,
        make_peer: PeerFactory = create_peer_connection,
    ) -> None:
        self._socket: SignalSocket | None = socket
        self._tasks = tasks
        self._time = asyncio.get_running_loop().time
        self._place: tuple[Room, Participant] | None = None
        self._offered: deque[float] = deque(maxlen=limits.MAX_OFFERS_PER_SECOND)
        events = TransportCallbacks(
            on_signal=self.send_signal,
            on_packet=self._on_packet,
            on_track_packet=self._on_track_packet,
            on_up=self._on_up,
            on_silent=self._on_silent,
            on_lost=self._on_lost,
            on_replaced=self._on_replaced,
        )
        self._peers = TransportManager(events, single=single_peer_connection, options=options, make_peer=make_peer)
        self._transport_handlers: dict[str, Callable[[rtc.SignalRequest], Awaitable[None]]] = {
            "offer": lambda request: self._peers.accept_offer(request.offer),
            "answer": lambda request: self._peers.accept_answer(request.answer),
            "trickle": lambda request: self._peers.add_candidate(request.trickle),
        }

    async def start(self, room: Room, participant: Participant, parameters: JoinParameters) -> None:
        """The participant is in the room; connect the peers and serve the signal connection until it ends."""
        self._place = (room, participant)
        if parameters.publisher_offer is not None:
            await self._transport_request(rtc.SignalRequest(offer=parameters.publisher_offer))
        await self._peers.offer_subscriber()
        await self._serve_current()

    async def resume(self, socket: SignalSocket, parameters: JoinParameters) -> None:
        """The participant is back on a new WebSocket; serve it until it ends."""
        assert self._place is not None
        room, participant = self._place
        if self._socket is not None:
            self._socket.finish()
        self._socket = socket
        room.resume(participant, loop_time())
        if parameters.publisher_offer is not None:
            await self._transport_request(rtc.SignalRequest(offer=parameters.publisher_offer))
        if parameters.sync_state is not None:
            handle(room, participant, rtc.SignalRequest(sync_state=parameters.sync_state), loop_time())
        await self._serve_current()

    def send_signal(self, message: rtc.SignalResponse) -> None:
        if self._socket is not None:
            self._socket.send(message)

    def send_packet(self, data: bytes, *, reliable: bool, sender: str = "") -> bool:
        return self._peers.send(data, reliable=reliable, sender=sender)

    @property
    def backlog(self) -> int:
        return self._peers.backlog

    def send_track_packet(self, data: bytes) -> None:
        self._peers.send_track_packet(data)

    def drop_signal(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.finish()

    def restart_transport(self) -> None:
        self._tasks.run(self._peers.offer_subscriber(ice_restart=True), name="subscriber restart")

    def moved(self, room: Room) -> None:
        if self._place is not None:
            self._place = (room, self._place[1])

    def close(self) -> None:
        self.drop_signal()
        self._tasks.run(self._peers.close(), name="peers close")

    async def _serve_current(self) -> None:
        """Handle what comes on the present WebSocket, one after another."""
        socket, place = self._socket, self._place
        if socket is None or place is None:
            return
        _, participant = place
        try:
            async for request in socket.requests():
                if participant.state == State.DISCONNECTED:
                    return
                if request.WhichOneof("message") in self._transport_handlers:
                    participant.signal_seen = loop_time()
                    await self._transport_request(request)
                else:
                    room, _ = self._place or place  # it may have been moved
                    handle(room, participant, request, loop_time())
        finally:
            socket.finish()
            if self._socket is socket:
                self._socket = None
                participant.signal_lost_at = loop_time()

    async def _transport_request(self, request: rtc.SignalRequest) -> None:
        kind = request.WhichOneof("message")
        assert kind is not None
        if kind == "offer" and not self._may_offer():
            self._remove("it sends too many offers", DisconnectReason.STATE_MISMATCH)
            return
        try:
            await self._transport_handlers[kind](request)
        except ValueError as error:
            self._remove(f"its {kind} cannot be used: {error}", DisconnectReason.JOIN_FAILURE)

    def _may_offer(self) -> bool:
        now = loop_time()
        if len(self._offered) == self._offered.maxlen and now - self._offered[0] < 1.0:
            return False
        self._offered.append(now)
        return True

    def _remove(self, why: str, reason: DisconnectReason) -> None:
        assert self._place is not None
        room, participant = self._place
        logger.warning("removing %r: %s", participant, why, extra=participant.log_fields)
        room.remove(participant, reason, loop_time())

    def _on_packet(self, data: bytes, reliable: bool) -> None:
        if self._place is not None:
            room, participant = self._place
            forward(room, participant, data, reliable=reliable, now=self._time())

    def _on_track_packet(self, data: bytes) -> None:
        if self._place is not None:
            room, participant = self._place
            data_tracks.forward(room, participant, data, loop_time())

    def _on_up(self) -> None:
        if self._place is not None:
            room, participant = self._place
            room.activate(participant, loop_time())

    def _on_silent(self) -> None:
        if self._place is not None and self._place[1].transport_silent_at is None:
            self._place[1].transport_silent_at = loop_time()

    def _on_lost(self) -> None:
        self._on_silent()
        if self._place is not None and self._place[1].transport_lost_at is None:
            self._place[1].transport_lost_at = loop_time()

    def _on_replaced(self) -> None:
        if self._place is not None:
            self._place[1].transport_replaced()
