"""DATA chunks that were sent and that the cumulative TSN has not passed (RFC 9260 sections 6.2.1 and 7.2.4)."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable

from .chunks import ForwardTsn
from .constants import LOSS_THRESHOLD, NEVER
from .send_queue import Message
from .serial_number import TSN_MASK

# States of a chunk.
IN_FLIGHT, ACKED, LOST, ABANDONED = range(4)

_MAX_FORWARD_STREAMS = 256
"""Streams in one FORWARD TSN, so that it fits into a packet."""


class SentChunk:
    """A DATA chunk from its first transmission until the cumulative TSN passes it."""

    __slots__ = ("ends", "first_packet", "message", "packet", "state", "transmissions", "tsn", "unambiguous_at", "wire")

    def __init__(self, tsn: int, wire: bytes, message: Message, ends: bool, packet: int) -> None:
        self.tsn = tsn
        self.wire = wire
        self.message = message
        self.ends = ends
        self.packet = packet
        """Number of the packet it was last sent in."""
        self.first_packet = packet
        self.unambiguous_at = NEVER
        """From when on an acknowledgement means the last packet and not the first: a round trip later (RFC 8985)."""
        self.state = IN_FLIGHT
        self.transmissions = 1


class OutstandingData:
    """What is in flight, what arrived above a gap, what is lost and what was given up."""

    __slots__ = (
        "_advanced_tsn",
        "_gap_acked",
        "_newest_delivered",
        "_newest_sent",
        "chunks",
        "cumulative_acked_tsn",
        "flight_size",
        "lost",
        "next_tsn",
        "on_abandoned",
        "partial_reliability",
    )

    def __init__(self, initial_tsn: int, on_abandoned: Callable[[Message], None]) -> None:
        self.chunks: dict[int, SentChunk] = {}
        """By TSN, in order and without a hole."""
        self.next_tsn = initial_tsn
        self.cumulative_acked_tsn = initial_tsn - 1
        """All up to this TSN is acknowledged."""
        self.flight_size = 0
        """Bytes of chunks in flight: sent, and neither acknowledged nor found lost."""
        self.lost: list[int] = []
        """TSNs to send again, in order; some may have been acknowledged meanwhile."""
        self.partial_reliability = False
        self.on_abandoned = on_abandoned
        self._advanced_tsn = self.cumulative_acked_tsn  # Advanced.Peer.Ack.Point (RFC 3758 section 3.5)
        self._gap_acked = 0
        self._newest_sent = -1  # the packet of the last chunk sent
        self._newest_delivered = -1  # the highest packet that is known to have arrived

    def add(self, wire: bytes, message: Message, ends: bool, packet: int) -> None:
        """A new chunk, with TSN `next_tsn`, was put into a packet."""
        tsn = self.next_tsn
        self.next_tsn = tsn + 1
        self.chunks[tsn] = SentChunk(tsn, wire, message, ends, packet)
        self.flight_size += len(wire)
        self._newest_sent = packet

    def mark_retransmitted(self, chunk: SentChunk, packet: int, unambiguous_at: float) -> None:
        chunk.packet = packet
        chunk.unambiguous_at = unambiguous_at
        chunk.state = IN_FLIGHT
        chunk.transmissions += 1
        self.flight_size += len(chunk.wire)
        self._newest_sent = packet

    def is_acked(self, tsn: int) -> bool:
        return tsn <= self.cumulative_acked_tsn or self.chunks[tsn].state == ACKED

    # Acknowledgement

    def acknowledge_cumulative(self, cumulative: int, delivered: list[Callable[[], None]], now: float) -> int:
        """All up to this TSN arrived: note whom to tell, return how many bytes are newly acknowledged."""
        newly_acked = 0
        chunks = self.chunks
        for tsn in range(self.cumulative_acked_tsn + 1, cumulative + 1):
            chunk = chunks.pop(tsn)
            state = chunk.state
            if state == IN_FLIGHT:
                size = len(chunk.wire)
                self.flight_size -= size
                newly_acked += size
                self._note_delivery(chunk, now)
            elif state == ACKED:
                self._gap_acked -= 1
            elif state == ABANDONED:
                continue
            if chunk.ends and (on_delivered := chunk.message.on_delivered) is not None:
                delivered.append(on_delivered)
        self.cumulative_acked_tsn = cumulative
        self._advanced_tsn = max(self._advanced_tsn, cumulative)
        return newly_acked

    def acknowledge_gaps(self, gaps: list[tuple[int, int]], now: float) -> tuple[int, list[SentChunk]]:
        """Gap blocks of a SACK: return the bytes newly acknowledged, and the chunks found lost."""
        if not gaps and not self._gap_acked:
            return 0, []
        newly_acked = reported = 0
        missing: list[SentChunk] = []
        position = self.cumulative_acked_tsn + 1
        for start, end in gaps:
            first, last = self.cumulative_acked_tsn + start, self.cumulative_acked_tsn + end
            if first < position or last < first or last >= self.next_tsn:
                break  # not in order, or of TSNs never sent
            missing += [self.chunks[tsn] for tsn in range(position, first)]
            for tsn in range(first, last + 1):
                chunk = self.chunks[tsn]
                if chunk.state != ABANDONED:
                    reported += 1
                    if chunk.state != ACKED:
                        newly_acked += self._gap_acknowledge(chunk, now)
            position = last + 1
        if reported < self._gap_acked:  # rule D iii: the peer no longer has what it had reported
            self._revert_reneged(missing)
            self._revert_reneged(self.chunks[tsn] for tsn in range(position, self.next_tsn))
        # Once the last packet has arrived no more evidence comes: do not wait for it (as RFC 5827).
        threshold = self._newest_delivered - (LOSS_THRESHOLD if self._newest_delivered < self._newest_sent else 1)
        return newly_acked, [chunk for chunk in missing if chunk.state == IN_FLIGHT and chunk.packet <= threshold]

    def _gap_acknowledge(self, chunk: SentChunk, now: float) -> int:
        size = len(chunk.wire)
        if chunk.state == IN_FLIGHT:
            self.flight_size -= size
        chunk.state = ACKED
        self._gap_acked += 1
        self._note_delivery(chunk, now)
        return size

    def _note_delivery(self, chunk: SentChunk, now: float) -> None:
        """A packet with this chunk has arrived, and so should those that were sent well before it."""
        packet = chunk.packet if now >= chunk.unambiguous_at else chunk.first_packet
        if packet > self._newest_delivered:
            self._newest_delivered = packet

    def _revert_reneged(self, chunks: Iterable[SentChunk]) -> None:
        for chunk in chunks:
            if chunk.state == ACKED:
                self._gap_acked -= 1
                chunk.state = IN_FLIGHT
                self.flight_size += len(chunk.wire)

    # Loss

    def in_flight(self) -> list[SentChunk]:
        return [chunk for chunk in self.chunks.values() if chunk.state == IN_FLIGHT]

    def mark_lost(self, chunks: list[SentChunk], now: float) -> None:
        """These chunks are lost: send them again, or give up their messages."""
        for chunk in chunks:
            if chunk.state != IN_FLIGHT:
                continue  # its message was given up just now
            chunk.state = LOST
            self.flight_size -= len(chunk.wire)
            if self.partial_reliability and chunk.message.should_abandon(chunk.transmissions, now):
                self._abandon(chunk)
            else:
                insort(self.lost, chunk.tsn)

    # Partial reliability (RFC 3758 section 3.5)

    def _abandon(self, chunk: SentChunk) -> None:
        """Give up the whole message that this chunk is part of."""
        message = chunk.message
        self.on_abandoned(message)
        tsn = chunk.tsn
        while (before := self.chunks.get(tsn - 1)) is not None and before.message is message:
            tsn -= 1
        while (part := self.chunks.get(tsn)) is not None and part.message is message:
            if part.state == IN_FLIGHT:
                self.flight_size -= len(part.wire)
            elif part.state == ACKED:
                self._gap_acked -= 1
            part.state = ABANDONED
            tsn += 1

    @property
    def needs_forward_tsn(self) -> bool:
        """The peer has yet to be told, or to acknowledge, that it need not wait for what was given up (rule C3)."""
        return self._advanced_tsn > self.cumulative_acked_tsn

    def advance_peer_ack_point(self) -> bool:
        """Move Advanced.Peer.Ack.Point over all given up chunks that follow it (rules C1 and C2); True if it moved."""
        point = self._advanced_tsn
        while (chunk := self.chunks.get(point + 1)) is not None and chunk.state == ABANDONED:
            point += 1
        if point == self._advanced_tsn:
            return False
        self._advanced_tsn = point
        return True

    def forward_tsn(self) -> ForwardTsn:
        """The FORWARD TSN to send; a part of it if it would name too many streams."""
        streams: dict[int, int] = {}
        last = self.cumulative_acked_tsn
        for tsn in range(self.cumulative_acked_tsn + 1, self._advanced_tsn + 1):
            message = self.chunks[tsn].message
            if message.ordered:
                if len(streams) == _MAX_FORWARD_STREAMS and message.stream.stream_id not in streams:
                    break
                streams[message.stream.stream_id] = message.ssn
            last = tsn
        return ForwardTsn(last & TSN_MASK, tuple(streams.items()))
