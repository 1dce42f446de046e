"""Bundling chunks into packets (RFC 9260 section 6.10)."""

from __future__ import annotations

from .constants import DATA_HEADER_SIZE, FLAG_IMMEDIATE, PACKET_HEADER_SIZE


class Bundle:
    """The packets of one flush, filled one after another. Packets are numbered over the life of the association."""

    __slots__ = ("_capacity", "_chunks", "_free", "number", "packets")

    def __init__(self, max_packet_size: int) -> None:
        self.resize(max_packet_size)
        self._chunks: list[bytes] = []
        self.packets: list[list[bytes]] = []
        """Finished packets, as lists of chunks."""
        self.number = 0
        """Number of the packet that is being filled."""

    def resize(self, max_packet_size: int) -> None:
        """Fill packets up to another size from now on; to be called between flushes."""
        self._capacity = self._free = max_packet_size - PACKET_HEADER_SIZE

    @property
    def max_payload(self) -> int:
        """User data that fits into a packet of its own."""
        return self._capacity - DATA_HEADER_SIZE

    @property
    def free_payload(self) -> int:
        """User data that fits into the packet that is being filled."""
        return (self._free & ~3) - DATA_HEADER_SIZE

    def add(self, chunk: bytes) -> None:
        """Add a chunk, to a new packet if it does not fit into this one."""
        size = len(chunk)
        if size > self._free and self._chunks:
            self.finish_packet()
        self._chunks.append(chunk)
        self._free -= size

    def finish_packet(self) -> None:
        """What is added from now on goes into another packet."""
        if self._chunks:
            self.packets.append(self._chunks)
            self._chunks = []
            self._free = self._capacity
            self.number += 1

    def set_immediate(self) -> None:
        """Ask for a SACK without delay in the last chunk added, which is a DATA chunk (RFC 7053 section 4)."""
        chunk = self._chunks[-1]
        self._chunks[-1] = chunk[:1] + bytes((chunk[1] | FLAG_IMMEDIATE,)) + chunk[2:]

    def take(self) -> list[list[bytes]]:
        """The packets; the bundle is empty afterwards."""
        self.finish_packet()
        packets, self.packets = self.packets, []
        return packets
