"""Reliable packets on their way to one participant: those that wait until it can receive, and those sent lately."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from . import limits

PACKET_OVERHEAD = 250
"""Bytes that Python needs for a packet that is kept, besides its data."""


class OutboundPacket(NamedTuple):
    """A serialised reliable packet, and where it stands in its sender's sequence."""

    data: bytes
    sender_sid: str
    sequence: int
    """0: the sender does not number its packets."""

    @property
    def size(self) -> int:
        """Bytes that it takes up."""
        return len(self.data) + PACKET_OVERHEAD


@dataclass(slots=True)
class WaitingPackets:
    """Packets for a participant that is in the room and has no transport yet, or not again."""

    _packets: deque[OutboundPacket] = field(default_factory=deque[OutboundPacket])
    size: int = 0
    """Bytes."""

    def add(self, packet: OutboundPacket) -> bool:
        """Keep a packet; False when there is no room left."""
        if self.size + packet.size > limits.MAX_WAITING_BACKLOG:
            return False
        self._packets.append(packet)
        self.size += packet.size
        return True

    def drain(self) -> Iterator[OutboundPacket]:
        """Take out everything, oldest first."""
        self.size = 0
        while self._packets:
            yield self._packets.popleft()


@dataclass(slots=True)
class ResendBuffer:
    """The newest packets sent to a participant, bounded in bytes and in age.

    They are sent again when the participant's transport had to be replaced; while it lives, SCTP repeats what is lost.
    """

    _packets: deque[tuple[float, OutboundPacket]] = field(default_factory=deque[tuple[float, OutboundPacket]])
    size: int = 0
    """Bytes."""

    def add(self, packet: OutboundPacket, now: float) -> None:
        """Remember a packet that is being sent."""
        self._packets.append((now, packet))
        self.size += packet.size
        self.forget(now)

    def forget(self, now: float) -> None:
        """Let go of what is too old, or too much."""
        packets, oldest = self._packets, now - limits.RESEND_WINDOW
        while packets and (self.size > limits.RESEND_BUFFER or packets[0][0] < oldest):
            self.size -= packets.popleft()[1].size

    def after(self, received: Mapping[str, int], now: float) -> list[OutboundPacket]:
        """What is missing at a receiver that has, of each sender sid, everything up to the given sequence.

        Packets without sequence cannot be told apart and are left out.
        """
        oldest = now - limits.RESEND_WINDOW
        return [
            packet
            for sent, packet in self._packets
            if sent >= oldest and packet.sequence > received.get(packet.sender_sid, 0)
        ]
