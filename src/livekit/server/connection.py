"""A participant's link over the network: connects its WebSocket and peer connections to the core."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from livekit._util.aio import TIMER_SLACK, loop_time
from livekit._util.exhaustion import exhausted_resource
from livekit.protocol import rtc
from livekit.webrtc import PeerOptions, create_peer_connection

from . import limits
from .forwarding import forward
from .participant import Participant, State
from .responses import DisconnectReason
from .room import JoinParameters, Room
from .signal_dispatch import handle
from .signal_socket import SignalSocket
from .tasks import OwnedTasks
from .transport_manager import PeerFactory, TransportCallbacks, TransportManager

if TYPE_CHECKING:
    from .media.sections import MediaSections

logger = logging.getLogger(__name__)


class Connection:
    """Implements :class:`.participant_link.ParticipantLink`; lives as long as its participant."""

    def __init__(
        self,
        socket: SignalSocket,
        tasks: OwnedTasks,
        *,
        find_room: Callable[[str], Room | None],
        single_peer_connection: bool,
        options: PeerOptions | None,
        make_peer: PeerFactory = create_peer_connection,
    ) -> None:
        """`find_room` returns the room with a name, after the participant was moved there."""
        self._socket: SignalSocket | None = socket
        self._tasks = tasks
        self._find_room = find_room
        self._time = asyncio.get_running_loop().time
        self._membership: tuple[Room, Participant] | None = None
        self._single: Final = single_peer_connection
        self._sections: MediaSections | None = None
        self._media_update: asyncio.Handle | None = None
        self._media_timer: asyncio.TimerHandle | None = None
        self._offer_times: deque[float] = deque(maxlen=limits.MAX_OFFERS_PER_SECOND)
        callbacks = TransportCallbacks(
            on_signal=self.send_signal,
            on_packet=self._on_packet,
            on_track_packet=self._on_track_packet,
            on_connected=self._on_connected,
            on_disconnected=self._on_disconnected,
            on_failed=self._on_failed,
            find_sections=self._find_sections,
            on_replaced=self._on_replaced,
        )
        self._transport = TransportManager(
            callbacks, single=single_peer_connection, options=options, make_peer=make_peer
        )
        self._transport_handlers: dict[str, Callable[[rtc.SignalRequest], Awaitable[None]]] = {
            "offer": lambda request: self._transport.accept_offer(request.offer),
            "answer": lambda request: self._transport.accept_answer(request.answer),
            "trickle": lambda request: self._transport.add_candidate(request.trickle),
        }

    async def start(self, room: Room, participant: Participant, parameters: JoinParameters) -> None:
        """Connect the transport of a participant that joined, and serve its signal connection until that ends."""
        self._membership = (room, participant)
        for add_track in parameters.add_track_requests:
            handle(room, participant, rtc.SignalRequest(add_track=add_track), loop_time())
        if parameters.publisher_offer is not None:
            await self._handle_transport_request(rtc.SignalRequest(offer=parameters.publisher_offer))
        await self._transport.offer_subscriber()
        await self._serve_socket()

    async def resume(self, socket: SignalSocket, parameters: JoinParameters) -> None:
        """Resume the participant on a new WebSocket, and serve that until it ends."""
        assert self._membership is not None
        room, participant = self._membership
        if self._socket is not None:
            self._socket.finish()
        self._socket = socket
        if self._sections is not None:
            self._sections.signal_lost()
        room.resume(participant, loop_time())
        if parameters.publisher_offer is not None:
            await self._handle_transport_request(rtc.SignalRequest(offer=parameters.publisher_offer))
        if parameters.sync_state is not None:
            handle(room, participant, rtc.SignalRequest(sync_state=parameters.sync_state), loop_time())
        self.update_media()
        await self._serve_socket()

    def send_signal(self, message: rtc.SignalResponse) -> None:
        if self._socket is not None:
            self._socket.send(message)

    def send_packet(self, data: bytes, *, reliable: bool, sender: str = "") -> bool:
        return self._transport.send(data, reliable=reliable, sender=sender)

    @property
    def backlog(self) -> int:
        return self._transport.backlog

    def send_track_packet(self, data: bytes) -> None:
        self._transport.send_track_packet(data)

    def update_media(self) -> None:
        if self._media_update is None:
            self._media_update = asyncio.get_running_loop().call_soon(self._update_media)

    def drop_signal(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.finish()

    def restart_transport(self) -> None:
        self._tasks.run(self._transport.offer_subscriber(ice_restart=True), name="subscriber restart")

    def moved(self, room: str) -> None:
        destination = self._find_room(room)
        if destination is not None and self._membership is not None:
            self._membership = (destination, self._membership[1])

    def close(self) -> None:
        self.drop_signal()
        for scheduled in (self._media_update, self._media_timer):
            if scheduled is not None:
                scheduled.cancel()
        sections, self._sections = self._sections, None
        if sections is not None:
            sections.close()
        self._tasks.run(self._transport.close(), name="transport close")

    def _update_media(self) -> None:
        """Apply all changes of an iteration of the event loop at once."""
        self._media_update = None
        sections = self._find_sections(False)
        if sections is None or self._membership is None or self._membership[1].state == State.DISCONNECTED:
            return
        sections.refresh()
        self._schedule_media()
        if self._single:
            self._transport.negotiate_media()
        elif not sections.is_settled:
            self._tasks.run(self._transport.offer_subscriber(), name="subscriber offer")

    def _find_sections(self, needed: bool) -> MediaSections | None:
        """Return the sections of the participant's media, which are loaded when it first has any."""
        if self._sections is None and self._membership is not None:
            room, participant = self._membership
            if needed or participant.media.is_in_use:
                from .media.sections import MediaSections

                self._sections = MediaSections(
                    participant, lambda: self._room(room).media, single=self._single, clock=self._time
                )
        return self._sections

    def _schedule_media(self) -> None:
        """Call the sections when they have something to do."""
        if self._media_timer is not None:
            self._media_timer.cancel()
            self._media_timer = None
        due = None if self._sections is None else self._sections.next_timer()
        if due is not None:
            self._media_timer = asyncio.get_running_loop().call_at(due + TIMER_SLACK, self._media_timer_fired)

    def _media_timer_fired(self) -> None:
        self._media_timer = None
        if self._sections is not None:
            try:
                self._sections.handle_timer()
            finally:
                self._schedule_media()
            if not self._sections.is_settled:
                self.update_media()

    def _room(self, before: Room) -> Room:
        """Return the room that the participant is in now."""
        return before if self._membership is None else self._membership[0]

    async def _serve_socket(self) -> None:
        """Handle the requests of the current WebSocket one after another."""
        socket, membership = self._socket, self._membership
        if socket is None or membership is None:
            return
        _, participant = membership
        try:
            async for request in socket.requests():
                if participant.state == State.DISCONNECTED:
                    return
                if request.WhichOneof("message") in self._transport_handlers:
                    participant.last_signal_at = loop_time()
                    await self._handle_transport_request(request)
                else:
                    room, _ = self._membership or membership  # the participant may have been moved
                    handle(room, participant, request, loop_time())
                    if self._sections is not None and request.HasField("add_track"):
                        self._transport.publish_added_tracks()
        finally:
            socket.finish()
            if self._socket is socket:
                self._socket = None
                participant.signal_lost_at = loop_time()

    async def _handle_transport_request(self, request: rtc.SignalRequest) -> None:
        kind = request.WhichOneof("message")
        assert kind is not None
        if kind == "offer" and not self._allow_offer():
            self._remove("it sends too many offers", DisconnectReason.STATE_MISMATCH)
            return
        try:
            await self._transport_handlers[kind](request)
            self._schedule_media()
        except ValueError as error:
            self._remove(f"its {kind} is invalid: {error}", DisconnectReason.JOIN_FAILURE)
        except (OSError, MemoryError) as error:
            resource = exhausted_resource(error) or str(error)
            self._remove(f"cannot connect to it: {resource}", DisconnectReason.JOIN_FAILURE)

    def _allow_offer(self) -> bool:
        now = loop_time()
        if len(self._offer_times) == self._offer_times.maxlen and now - self._offer_times[0] < 1.0:
            return False
        self._offer_times.append(now)
        return True

    def _remove(self, cause: str, reason: DisconnectReason) -> None:
        assert self._membership is not None
        room, participant = self._membership
        self._tasks.warnings.warn(("removing", reason), "removing %r: %s", participant, cause, **participant.log_fields)
        room.remove(participant, reason, loop_time())

    def _on_packet(self, data: bytes, reliable: bool) -> None:
        if self._membership is not None:
            room, participant = self._membership
            forward(room, participant, data, reliable=reliable, now=self._time())

    def _on_track_packet(self, data: bytes) -> None:
        if self._membership is not None:
            room, participant = self._membership
            room.data_tracks.forward(participant, data, self._time())

    def _on_connected(self) -> None:
        if self._membership is not None:
            room, participant = self._membership
            room.activate(participant, loop_time())

    def _on_disconnected(self) -> None:
        if self._membership is not None and self._membership[1].transport_disconnected_at is None:
            self._membership[1].transport_disconnected_at = loop_time()

    def _on_failed(self) -> None:
        self._on_disconnected()
        if self._membership is not None and self._membership[1].transport_failed_at is None:
            self._membership[1].transport_failed_at = loop_time()

    def _on_replaced(self) -> None:
        if self._membership is not None:
            self._membership[1].transport_replaced()
