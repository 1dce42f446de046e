"""Outstanding DATA: acknowledgement, loss detection and retransmission (RFC 9260 sections 6.2.1 and 7.2.4).

Also partial reliability: the abandonment of lost messages (RFC 3758).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable

from .chunks import ForwardTsn
from .constants import LOSS_THRESHOLD, NEVER, PACKET_HEADER_SIZE, STALL_TRANSMISSIONS, TSN_MASK
from .send_queue import Message

# States of a SentChunk.
IN_FLIGHT, ACKED, LOST, ABANDONED = range(4)

_MAX_FORWARD_STREAMS = 120
"""Streams listed in one FORWARD TSN, so that it fits into the shortest packet."""


class SentChunk:
    """A DATA chunk from its first transmission until it is cumulatively acknowledged."""

    __slots__ = (
        "ends_message",
        "first_packet",
        "message",
        "packet",
        "state",
        "transmissions",
        "tsn",
        "unambiguous_at",
        "wire",
    )

    def __init__(self, tsn: int, wire: bytes, message: Message, ends_message: bool, packet: int) -> None:
        self.tsn = tsn
        self.wire = wire
        """The encoded chunk, with its padding."""
        self.message = message
        self.ends_message = ends_message
        """This is the last fragment of its message."""
        self.packet = packet
        """Number of the packet of its last transmission."""
        self.first_packet = packet
        """Number of the packet of its first transmission."""
        self.unambiguous_at = NEVER
        """Time before which an acknowledgement is taken for the first transmission: a minimum round trip after the last
        one (retransmission ambiguity, RFC 8985 section 6.2)."""
        self.state = IN_FLIGHT
        self.transmissions = 1

    @property
    def is_stalled(self) -> bool:
        """The chunk has been lost repeatedly: `STALL_TRANSMISSIONS` times, or two, four, … times more."""
        excess = self.transmissions - STALL_TRANSMISSIONS
        return excess >= 0 and not excess % 2

    @property
    def packet_size(self) -> int:
        """Bytes of the shortest packet with this chunk."""
        return PACKET_HEADER_SIZE + len(self.wire)


class OutstandingData:
    """Chunks in flight, acknowledged above a gap, lost, or abandoned."""

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
        """Chunks by TSN, ascending and without gaps."""
        self.next_tsn = initial_tsn
        """TSN of the next new chunk."""
        self.cumulative_acked_tsn = initial_tsn - 1
        """Cumulative TSN Ack Point: everything up to it is acknowledged."""
        self.flight_size = 0
        """Bytes of chunks in flight: sent, and neither acknowledged, lost nor abandoned."""
        self.lost: list[int] = []
        """TSNs to retransmit, ascending; some may have been acknowledged meanwhile."""
        self.partial_reliability = False
        self.on_abandoned = on_abandoned
        self._advanced_tsn = self.cumulative_acked_tsn  # Advanced.Peer.Ack.Point (RFC 3758 section 3.5)
        self._gap_acked = 0
        self._newest_sent = -1  # packet of the last chunk sent
        self._newest_delivered = -1  # highest packet number known to have arrived

    def add(self, wire: bytes, message: Message, ends_message: bool, packet: int) -> None:
        """Record the transmission of a new chunk, with TSN `next_tsn`."""
        tsn = self.next_tsn
        self.next_tsn = tsn + 1
        self.chunks[tsn] = SentChunk(tsn, wire, message, ends_message, packet)
        self.flight_size += len(wire)
        self._newest_sent = packet

    def mark_retransmitted(self, chunk: SentChunk, packet: int, unambiguous_at: float) -> None:
        """Record the retransmission of a lost chunk."""
        chunk.packet = packet
        chunk.unambiguous_at = unambiguous_at
        chunk.state = IN_FLIGHT
        chunk.transmissions += 1
        self.flight_size += len(chunk.wire)
        self._newest_sent = packet

    def is_acked(self, tsn: int) -> bool:
        """Return True if a TSN is acknowledged, cumulatively or above a gap."""
        return tsn <= self.cumulative_acked_tsn or self.chunks[tsn].state == ACKED

    def is_pending(self, chunk: SentChunk) -> bool:
        """Return True if a chunk is neither acknowledged nor abandoned."""
        return self.chunks.get(chunk.tsn) is chunk and chunk.state in (IN_FLIGHT, LOST)

    # Acknowledgement

    def acknowledge_cumulative(self, cumulative: int, delivered: list[Callable[[], None]], now: float) -> int:
        """Advance the Cumulative TSN Ack Point.

        Append the callbacks of completed messages to `delivered`; return the bytes newly acknowledged.
        """
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
            if chunk.ends_message and (on_delivered := chunk.message.on_delivered) is not None:
                delivered.append(on_delivered)
        self.cumulative_acked_tsn = cumulative
        self._advanced_tsn = max(self._advanced_tsn, cumulative)
        return newly_acked

    def acknowledge_gaps(self, gaps: list[tuple[int, int]], now: float) -> tuple[int, list[SentChunk]]:
        """Process the gap ack blocks of a SACK; return the bytes newly acknowledged and the chunks found lost."""
        if not gaps and not self._gap_acked:
            return 0, []
        newly_acked = reported = 0
        missing: list[SentChunk] = []
        position = self.cumulative_acked_tsn + 1
        for start, end in gaps:
            first, last = self.cumulative_acked_tsn + start, self.cumulative_acked_tsn + end
            if first < position or last < first or last >= self.next_tsn:
                break  # overlapping, reversed, or beyond the TSNs sent
            missing += [self.chunks[tsn] for tsn in range(position, first)]
            for tsn in range(first, last + 1):
                chunk = self.chunks[tsn]
                if chunk.state != ABANDONED:
                    reported += 1
                    if chunk.state != ACKED:
                        newly_acked += self._gap_acknowledge(chunk, now)
            position = last + 1
        if reported < self._gap_acked:  # reneging (section 6.2.1, rule D iii)
            self._revert_reneged(missing)
            self._revert_reneged(self.chunks[tsn] for tsn in range(position, self.next_tsn))
        # Early retransmit (RFC 5827): once the newest packet has arrived, no further evidence of loss can follow.
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
        """Advance the newest packet delivered, from which the loss of older packets is inferred."""
        packet = chunk.packet if now >= chunk.unambiguous_at else chunk.first_packet
        if packet > self._newest_delivered:
            self._newest_delivered = packet

    def _revert_reneged(self, chunks: Iterable[SentChunk]) -> None:
        """Put acknowledged chunks that the peer no longer reports back in flight."""
        for chunk in chunks:
            if chunk.state == ACKED:
                self._gap_acked -= 1
                chunk.state = IN_FLIGHT
                self.flight_size += len(chunk.wire)

    # Loss

    def in_flight(self) -> list[SentChunk]:
        """Return the chunks in flight, by TSN."""
        return [chunk for chunk in self.chunks.values() if chunk.state == IN_FLIGHT]

    def mark_lost(self, chunks: list[SentChunk], now: float) -> None:
        """Queue lost chunks for retransmission, or abandon their messages."""
        for chunk in chunks:
            if chunk.state != IN_FLIGHT:
                continue  # its message has just been abandoned
            chunk.state = LOST
            self.flight_size -= len(chunk.wire)
            if self.partial_reliability and chunk.message.should_abandon(chunk.transmissions, now):
                self._abandon(chunk)
            else:
                insort(self.lost, chunk.tsn)

    # Partial reliability (RFC 3758 section 3.5)

    def _abandon(self, chunk: SentChunk) -> None:
        """Abandon the whole message of a chunk (rule A3)."""
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
        """The peer has not acknowledged that abandoned chunks are skipped (rule C3)."""
        return self._advanced_tsn > self.cumulative_acked_tsn

    def advance_peer_ack_point(self) -> bool:
        """Move Advanced.Peer.Ack.Point over abandoned chunks (rules C1 and C2); return True if it moved."""
        point = self._advanced_tsn
        while (chunk := self.chunks.get(point + 1)) is not None and chunk.state == ABANDONED:
            point += 1
        if point == self._advanced_tsn:
            return False
        self._advanced_tsn = point
        return True

    def forward_tsn(self) -> ForwardTsn:
        """Return the FORWARD TSN to send. It ends early if it would list too many streams."""
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
