"""Bundling chunks into packets (RFC 9260 section 6.10)."""

from __future__ import annotations

from .constants import DATA_HEADER_SIZE, FLAG_IMMEDIATE, PACKET_HEADER_SIZE


class Bundle:
    """The packets of one flush, filled one after another. Their numbers increase over the life of the association."""

    __slots__ = ("_capacity", "_chunks", "_free", "number", "packets")

    def __init__(self, max_packet_size: int) -> None:
        self.resize(max_packet_size)
        self._chunks: list[bytes] = []
        self.packets: list[list[bytes]] = []
        """Finished packets, each a list of encoded chunks."""
        self.number = 0
        """Number of the packet being filled."""

    def resize(self, max_packet_size: int) -> None:
        """Change the packet size, in bytes. Call it between flushes only."""
        self._capacity = self._free = max_packet_size - PACKET_HEADER_SIZE

    @property
    def max_payload(self) -> int:
        """Bytes of user data that fit into an empty packet, in one DATA chunk."""
        return self._capacity - DATA_HEADER_SIZE

    @property
    def free_payload(self) -> int:
        """Bytes of user data that fit into the packet being filled, in one more DATA chunk."""
        return (self._free & ~3) - DATA_HEADER_SIZE

    def add(self, chunk: bytes) -> None:
        """Add an encoded chunk; start a new packet if it does not fit into this one."""
        size = len(chunk)
        if size > self._free and self._chunks:
            self.finish_packet()
        self._chunks.append(chunk)
        self._free -= size

    def finish_packet(self) -> None:
        """Start a new packet, unless this one is empty."""
        if self._chunks:
            self.packets.append(self._chunks)
            self._chunks = []
            self._free = self._capacity
            self.number += 1

    def set_immediate(self) -> None:
        """Set the I bit of the last chunk added, a DATA chunk, to request an immediate SACK (RFC 7053 section 4)."""
        chunk = self._chunks[-1]
        self._chunks[-1] = chunk[:1] + bytes((chunk[1] | FLAG_IMMEDIATE,)) + chunk[2:]

    def take(self) -> list[list[bytes]]:
        """Return the packets and empty the bundle."""
        self.finish_packet()
        packets, self.packets = self.packets, []
        return packets
