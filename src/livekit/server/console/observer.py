"""State of the console: updated by the server, read by the event streams. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from livekit.protocol import models
from livekit.server.events import ParticipantLeft, RoomEvent
from livekit.server.packet_observer import ObservedRoom
from livekit.server.participant import Participant

from .call_tracker import CallTracker
from .event_log import EventLog
from .known_methods import KnownMethods
from .throughput import SERIES_SECONDS, Throughput
from .tracked_call import SERVER, TrackedCall


class ParticipantTraffic(NamedTuple):
    """Throughput of a participant, in both directions."""

    sent: Throughput
    received: Throughput


@dataclass
class Observer:
    """Implements :class:`livekit.server.packet_observer.PacketObserver`."""

    methods: KnownMethods = field(default_factory=KnownMethods)
    event_log: EventLog = field(default_factory=EventLog)
    total: Throughput = field(default_factory=lambda: Throughput(SERIES_SECONDS))
    """Throughput of all senders."""

    def __post_init__(self) -> None:
        self.calls = CallTracker(self._answered)
        self._traffic: dict[str, ParticipantTraffic] = {}

    def traffic(self, sid: str) -> ParticipantTraffic:
        """Return the throughput of the participant with this SID."""
        found = self._traffic.get(sid)
        if found is None:
            found = self._traffic[sid] = ParticipantTraffic(Throughput(), Throughput())
        return found

    def forwarded(
        self,
        room: ObservedRoom,
        sender: Participant,
        receivers: Sequence[Participant],
        packet: models.DataPacket,
        size: int,
        now: float,
    ) -> None:
        self.track_forwarded(sender, receivers, size, now)
        self.calls.packet(room.name, sender.identity, packet, now, room.participants)

    def track_forwarded(self, sender: Participant, receivers: Sequence[Participant], size: int, now: float) -> None:
        self.total.add(size, now)
        self.traffic(sender.sid).sent.add(size, now)
        for receiver in receivers:
            self.traffic(receiver.sid).received.add(size, now)

    def sent_by_server(self, room: ObservedRoom, packet: models.DataPacket, size: int, now: float) -> None:
        for identity in packet.destination_identities:
            receiver = room.participants.get(identity)
            if receiver is not None:
                self.traffic(receiver.sid).received.add(size, now)
        self.calls.packet(room.name, SERVER, packet, now, room.participants)

    def room_event(self, event: RoomEvent, now: float) -> None:
        """Handle a room event."""
        self.event_log.event(event, now)
        if isinstance(event, ParticipantLeft):
            room, identity = event.room.name, event.participant.identity
            self._traffic.pop(event.participant.sid, None)
            self.methods.left(room, identity)
            if event.participant.disconnect_reason != models.DisconnectReason.DUPLICATE_IDENTITY:
                # Calls outlive a full reconnect of their caller or callee.
                self.calls.left(room, identity, now)

    def _answered(self, call: TrackedCall) -> None:
        self.methods.learn(call)
