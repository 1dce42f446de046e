"""Repair of lost video: requests to the publisher, and the packets that subscribers may ask for again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from livekit.webrtc.rtp.packet import RtpPacket

__all__ = ["LostPackets", "PacketBuffer"]

BUFFER_SIZE: Final = 512
"""Packets kept per stream: 2.5 s of high-definition video at 1.7 Mbit/s."""
MAX_LOST: Final = 256
"""Lost packets that are asked for at a time; beyond it, only a key frame helps."""
MAX_ATTEMPTS: Final = 5
"""Requests for one packet."""
RETRY_INTERVAL: Final = 0.05
"""Seconds between two requests for one packet; longer than most round trips."""


class LostPackets:
    """Missing packets of a stream, by extended sequence number, and when to ask for them."""

    def __init__(self) -> None:
        self._lost: OrderedDict[int, tuple[float, int]] = OrderedDict()  # when to ask next, and requests so far

    def __len__(self) -> int:
        return len(self._lost)

    def add(self, missing: Iterable[int], now: float) -> None:
        """Note missing packets, in order; the oldest are given up beyond `MAX_LOST`."""
        for number in missing:
            self._lost[number] = (now, 0)
        while len(self._lost) > MAX_LOST:
            self._lost.popitem(last=False)

    def discard(self, number: int) -> None:
        """Note that a packet has arrived."""
        self._lost.pop(number, None)

    def poll(self, now: float) -> list[int]:
        """Return the sequence numbers to request now, 16 bits each."""
        due: list[int] = []
        for number, (at, attempts) in list(self._lost.items()):
            if now < at:
                continue
            if attempts == MAX_ATTEMPTS:
                del self._lost[number]
            else:
                self._lost[number] = (now + RETRY_INTERVAL, attempts + 1)
                due.append(number & 0xFFFF)
        return due


class PacketBuffer:
    """The last packets of a stream by position."""

    def __init__(self, size: int = BUFFER_SIZE) -> None:
        self._size = size
        self._slots: list[tuple[int, RtpPacket] | None] = [None] * size

    def add(self, position: int, packet: RtpPacket) -> None:
        """Keep a packet in the place of the one that is `size` positions older."""
        self._slots[position % self._size] = (position, packet)

    def get(self, position: int) -> RtpPacket | None:
        """Return a packet; None if it never arrived or is too old."""
        slot = self._slots[position % self._size]
        return slot[1] if slot is not None and slot[0] == position else None
