"""Outbound reliable packets of one participant: those that wait until it can receive, and those sent recently."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from . import limits

PACKET_OVERHEAD = 250
"""Bytes that Python needs for a buffered packet, besides its data."""


class OutboundPacket(NamedTuple):
    """A serialized reliable packet and its position in its sender's sequence."""

    data: bytes
    sender_sid: str
    sequence: int
    """0 if the sender does not number its packets."""

    @property
    def size(self) -> int:
        """Bytes of memory that the packet occupies."""
        return len(self.data) + PACKET_OVERHEAD


@dataclass(slots=True)
class WaitingPackets:
    """FIFO of packets for a participant whose transport is not connected yet, or is being replaced."""

    _packets: deque[OutboundPacket] = field(default_factory=deque[OutboundPacket])
    size: int = 0
    """Bytes."""

    def add(self, packet: OutboundPacket) -> bool:
        """Append a packet; return False if the backlog is full (:data:`.limits.MAX_WAITING_BACKLOG`)."""
        if self.size + packet.size > limits.MAX_WAITING_BACKLOG:
            return False
        self._packets.append(packet)
        self.size += packet.size
        return True

    def drain(self) -> Iterator[OutboundPacket]:
        """Remove and yield all packets, oldest first."""
        self.size = 0
        while self._packets:
            yield self._packets.popleft()


@dataclass(slots=True)
class ResendBuffer:
    """The newest packets sent to a participant, bounded by bytes and age.

    They are sent again after the participant's transport was replaced; until then, SCTP retransmits lost ones.
    """

    _packets: deque[tuple[float, OutboundPacket]] = field(default_factory=deque[tuple[float, OutboundPacket]])
    size: int = 0
    """Bytes."""

    def add(self, packet: OutboundPacket, now: float) -> None:
        """Append a packet that is being sent."""
        self._packets.append((now, packet))
        self.size += packet.size
        self.expire(now)

    def expire(self, now: float) -> None:
        """Discard the oldest packets beyond the limits of age and bytes."""
        packets, oldest = self._packets, now - limits.RESEND_WINDOW
        while packets and (self.size > limits.RESEND_BUFFER or packets[0][0] < oldest):
            self.size -= packets.popleft()[1].size

    def missing(self, received: Mapping[str, int], now: float) -> list[OutboundPacket]:
        """Return the packets that a receiver lacks, given the last sequence number it has of each sender sid.

        Packets without a sequence number cannot be deduplicated and are left out.
        """
        oldest = now - limits.RESEND_WINDOW
        return [
            packet
            for sent, packet in self._packets
            if sent >= oldest and packet.sequence > received.get(packet.sender_sid, 0)
        ]
