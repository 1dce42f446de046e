"""Sending DATA: transmission, acknowledgement, loss, retransmission (RFC 9260 sections 6.1, 6.2.1, 6.3 and 7.2.4)."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable

from .bundle import Bundle
from .chunks import DATA_HEADER, ForwardTsn, Sack
from .congestion import CongestionControl
from .constants import (
    DATA_HEADER_SIZE,
    FLAG_BEGIN,
    FLAG_END,
    FLAG_UNORDERED,
    LOSS_THRESHOLD,
    MAX_BURST_PACKETS,
    MIN_FRAGMENT,
    NEVER,
)
from .rto import RetransmissionTimeout
from .send_queue import Message, SendQueue
from .serial import TSN_MASK, unwrap

# States of a chunk that was sent.
_IN_FLIGHT, _ACKED, _LOST, _ABANDONED = range(4)

_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


class _SentChunk:
    """A DATA chunk from its first transmission until the cumulative TSN passes it."""

    __slots__ = ("ends", "evidence", "message", "packet", "state", "transmissions", "tsn", "wire")

    def __init__(self, tsn: int, wire: bytes, message: Message, ends: bool, packet: int) -> None:
        self.tsn = tsn
        self.wire = wire
        self.message = message
        self.ends = ends
        self.packet = packet
        """Number of the packet it was last sent in."""
        self.evidence = packet
        """The packet that an acknowledgement proves to have arrived: the first, as it may be late."""
        self.state = _IN_FLIGHT
        self.transmissions = 1


class Outbound:
    """The sending half of an association."""

    __slots__ = (
        "_advanced_tsn",
        "_evidence",
        "_force",
        "_forward_due",
        "_gap_acked",
        "_idle_since",
        "_lost",
        "_outstanding",
        "_peer_window",
        "_probe_at",
        "_probe_tsn",
        "_rto",
        "acked_tsn",
        "congestion",
        "flight",
        "next_tsn",
        "partial_reliability",
        "queue",
        "retransmissions",
        "t3_at",
        "timeouts",
    )

    def __init__(
        self, initial_tsn: int, rto: RetransmissionTimeout, congestion: CongestionControl, queue: SendQueue
    ) -> None:
        self._rto = rto
        self.congestion = congestion
        self.queue = queue
        self.next_tsn = initial_tsn
        self.acked_tsn = initial_tsn - 1
        """All up to this TSN is acknowledged."""
        self.flight = 0
        """Bytes of chunks in flight: sent, and neither acknowledged nor found lost."""
        self.partial_reliability = False
        """The peer understands FORWARD TSN."""
        self.t3_at = NEVER
        self.retransmissions = 0
        self.timeouts = 0
        self._peer_window = 0
        self._outstanding: dict[int, _SentChunk] = {}  # in TSN order, without a hole
        self._lost: list[int] = []  # TSNs to send again, in order
        self._gap_acked = 0
        self._evidence = -1
        self._force = False
        self._advanced_tsn = self.acked_tsn  # Advanced.Peer.Ack.Point, RFC 3758 section 3.5
        self._forward_due = False
        self._probe_tsn: int | None = None
        self._probe_at = 0.0
        self._idle_since: float | None = None

    def peer_window(self, size: int) -> None:
        """What the peer's INIT or INIT ACK says it can take."""
        self._peer_window = size

    @property
    def is_idle(self) -> bool:
        """Everything was sent and acknowledged."""
        return not self._outstanding and self.queue.head() is None

    @property
    def has_work(self) -> bool:
        """Something may be sent now, if the windows allow."""
        return bool(self._lost) or self._forward_due or self.queue.head() is not None

    # Transmission (section 6.1)

    def transmit(self, bundle: Bundle, now: float, max_packets: int = MAX_BURST_PACKETS) -> None:
        """Fill packets with what the windows allow: first what was lost, then what is new."""
        if self._forward_due:
            self._forward_due = False
            bundle.add(self._forward_tsn().encode())
        last_packet = bundle.number + max_packets - 1
        sent_again = self._lost and self._retransmit(bundle, last_packet)
        sent_new = self._transmit_new(bundle, now, last_packet)
        self._force = False
        if sent_again or sent_new:
            bundle.set_immediate()
            if sent_new and self._probe_tsn is None:
                self._probe_tsn, self._probe_at = self.next_tsn - 1, now
        if self.t3_at == NEVER and self._outstanding:
            self.t3_at = now + self._rto.value

    def _retransmit(self, bundle: Bundle, last_packet: int) -> bool:
        done = 0
        sent = False
        for tsn in self._lost:
            chunk = self._outstanding.get(tsn)
            if chunk is not None and chunk.state == _LOST:
                size = len(chunk.wire)
                if self.flight and not self._force and self.flight + size > self._window:
                    break
                if bundle.number >= last_packet and size > bundle.room:
                    break
                self._force = False
                bundle.add(chunk.wire)
                chunk.packet = bundle.number
                chunk.state = _IN_FLIGHT
                chunk.transmissions += 1
                self.flight += size
                self.retransmissions += 1
                sent = True
            done += 1
        del self._lost[:done]
        return sent

    @property
    def _window(self) -> int:
        return min(self.congestion.cwnd, self._peer_window)

    def _transmit_new(self, bundle: Bundle, now: float, last_packet: int) -> bool:
        queue = self.queue
        if self._idle_since is not None and queue.head() is not None:
            self.congestion.idle(int((now - self._idle_since) / self._rto.value))
            self._idle_since = None
        first = self.next_tsn
        cwnd, window = self.congestion.cwnd, self._peer_window
        while self.flight < cwnd and (message := queue.head()) is not None:
            room = bundle.room
            size = len(message.data) - message.offset
            if size > room:
                if room < MIN_FRAGMENT or size <= bundle.max_payload:
                    if bundle.number >= last_packet:
                        break
                    bundle.finish_packet()
                    room = bundle.max_payload
                size = min(size, room)
            if self.flight and self.flight + size + DATA_HEADER_SIZE > window:
                break  # with nothing in flight one chunk is sent, to probe a closed window (rule A)
            self._send_new(bundle, message, size, now)
        return self.next_tsn != first

    def _send_new(self, bundle: Bundle, message: Message, size: int, now: float) -> None:
        begin = message.offset
        flags = 0 if message.ordered else FLAG_UNORDERED
        if begin == 0:
            flags |= FLAG_BEGIN
            self.queue.begin(message, now)
        end = begin + size
        ends = end == len(message.data)
        if ends:
            flags |= FLAG_END
        tsn = self.next_tsn
        self.next_tsn = tsn + 1
        length = size + DATA_HEADER_SIZE
        header = DATA_HEADER.pack(0, flags, length, tsn & TSN_MASK, message.stream.stream_id, message.ssn, message.ppid)
        wire = header + message.data[begin:end] + _PADDING[length & 3]
        bundle.add(wire)
        self._outstanding[tsn] = _SentChunk(tsn, wire, message, ends, bundle.number)
        self.flight += len(wire)
        self.queue.advance(message, size)

    # Acknowledgement (section 6.2.1)

    def acknowledge(self, sack: Sack, now: float) -> list[Callable[[], None]]:
        """Process a SACK; return the confirmations to call: of messages now cumulatively acknowledged."""
        cumulative = unwrap(sack.cumulative_tsn, self.acked_tsn)
        if cumulative < self.acked_tsn or cumulative >= self.next_tsn:
            return []  # rule D i: an old one; or of TSNs never sent
        flight_before = self.flight
        advanced = cumulative > self.acked_tsn
        delivered: list[Callable[[], None]] = []
        newly_acked = self._acknowledge_cumulative(cumulative, delivered) if advanced else 0
        if sack.gaps or self._gap_acked:
            newly_acked += self._acknowledge_gaps(cumulative, sack.gaps, now)
        self._measure(now)
        self._peer_window = sack.window
        if advanced:
            self._rto.progress()
            self.congestion.acknowledged(newly_acked, flight_before, cumulative)
            if self._advanced_tsn > cumulative:
                self._forward_due = True
            else:
                self._advanced_tsn = cumulative
        if not self._outstanding:
            self.t3_at = NEVER
            self._idle_since = now
        elif advanced:
            self.t3_at = now + self._rto.value
        self._advance_peer_ack_point()
        return delivered

    def acknowledge_cumulative_only(self, cumulative_tsn: int, now: float) -> list[Callable[[], None]]:
        """Process the TSN in a SHUTDOWN, which says nothing about windows and gaps (section 9.2)."""
        return self.acknowledge(Sack(cumulative_tsn, self._peer_window, [], []), now)

    def _acknowledge_cumulative(self, cumulative: int, delivered: list[Callable[[], None]]) -> int:
        newly_acked = 0
        outstanding = self._outstanding
        for tsn in range(self.acked_tsn + 1, cumulative + 1):
            chunk = outstanding.pop(tsn)
            state = chunk.state
            if state == _IN_FLIGHT:
                size = len(chunk.wire)
                self.flight -= size
                newly_acked += size
                if chunk.evidence > self._evidence:
                    self._evidence = chunk.evidence
            elif state == _ACKED:
                self._gap_acked -= 1
            elif state == _ABANDONED:
                continue
            if chunk.ends and (on_delivered := chunk.message.on_delivered) is not None:
                delivered.append(on_delivered)
        self.acked_tsn = cumulative
        return newly_acked

    def _acknowledge_gaps(self, cumulative: int, gaps: list[tuple[int, int]], now: float) -> int:
        """Mark what arrived above a gap, and find what was lost in the gaps."""
        newly_acked = 0
        reported = 0
        missing: list[_SentChunk] = []
        outstanding = self._outstanding
        position = cumulative + 1
        for start, end in gaps:
            first, last = cumulative + start, cumulative + end
            if first < position or last < first or last >= self.next_tsn:
                break  # not in order, or of TSNs never sent
            missing += [chunk for tsn in range(position, first) if (chunk := outstanding[tsn]).state != _ABANDONED]
            for tsn in range(first, last + 1):
                chunk = outstanding[tsn]
                if chunk.state == _ACKED:
                    reported += 1
                elif chunk.state != _ABANDONED:
                    reported += 1
                    newly_acked += self._gap_acknowledge(chunk)
            position = last + 1
        for chunk in missing:
            if chunk.state == _ACKED:  # rule D iii: the peer no longer has it
                self._gap_acked -= 1
                chunk.state = _IN_FLIGHT
                self.flight += len(chunk.wire)
        if reported < self._gap_acked:
            self._renege_above(position)
        lost = [c for c in missing if c.state == _IN_FLIGHT and c.packet + LOSS_THRESHOLD <= self._evidence]
        if lost:
            self._fast_retransmit(lost, now)
        return newly_acked

    def _gap_acknowledge(self, chunk: _SentChunk) -> int:
        size = len(chunk.wire)
        if chunk.state == _IN_FLIGHT:
            self.flight -= size
        chunk.state = _ACKED
        self._gap_acked += 1
        if chunk.evidence > self._evidence:
            self._evidence = chunk.evidence
        return size

    def _renege_above(self, position: int) -> None:
        for tsn in range(position, self.next_tsn):
            chunk = self._outstanding[tsn]
            if chunk.state == _ACKED:
                self._gap_acked -= 1
                chunk.state = _IN_FLIGHT
                self.flight += len(chunk.wire)

    def _measure(self, now: float) -> None:
        """One round trip is measured at a time (section 6.3.1 C4)."""
        probe = self._probe_tsn
        if probe is not None and (probe <= self.acked_tsn or self._outstanding[probe].state == _ACKED):
            self._probe_tsn = None
            self._rto.sample(now - self._probe_at)
            if self._rto.min_rtt is not None:
                self.congestion.path_measured(self._rto.min_rtt)

    # Loss (sections 6.3.3 and 7.2.4)

    def _fast_retransmit(self, lost: list[_SentChunk], now: float) -> None:
        if self.congestion.lost(self.next_tsn - 1):
            self._force = True  # the first packet goes whatever the window
        for chunk in lost:
            self._lose(chunk, now)

    def on_t3(self, now: float) -> None:
        """T3-rtx expired (section 6.3.3)."""
        self.timeouts += 1
        self._rto.back_off()
        self.congestion.timed_out()
        self.lose_all(now)

    def lose_all(self, now: float) -> None:
        """All that is in flight is to be sent again."""
        self.t3_at = NEVER
        self._forward_due = self._advanced_tsn > self.acked_tsn
        for chunk in list(self._outstanding.values()):
            if chunk.state == _IN_FLIGHT:
                self._lose(chunk, now)
        self._advance_peer_ack_point()

    def _lose(self, chunk: _SentChunk, now: float) -> None:
        chunk.state = _LOST
        self.flight -= len(chunk.wire)
        if chunk.tsn == self._probe_tsn:
            self._probe_tsn = None  # Karn's rule
        message = chunk.message
        if self.partial_reliability and (
            (message.max_retransmits is not None and chunk.transmissions > message.max_retransmits)
            or (message.expires_at is not None and now >= message.expires_at)
        ):
            self._abandon(chunk)
        else:
            insort(self._lost, chunk.tsn)

    # Partial reliability (RFC 3758 section 3.5)

    def _abandon(self, chunk: _SentChunk) -> None:
        """Give up the whole message that this chunk is part of."""
        message = chunk.message
        message.abandoned = True
        self.queue.abandon(message)
        tsn = chunk.tsn
        while (before := self._outstanding.get(tsn - 1)) is not None and before.message is message:
            tsn -= 1
        while (part := self._outstanding.get(tsn)) is not None and part.message is message:
            if part.state == _IN_FLIGHT:
                self.flight -= len(part.wire)
            elif part.state == _ACKED:
                self._gap_acked -= 1
            if tsn == self._probe_tsn:
                self._probe_tsn = None
            part.state = _ABANDONED
            tsn += 1

    def _advance_peer_ack_point(self) -> None:
        """Rule C2: the point moves over all abandoned chunks that follow it."""
        point = self._advanced_tsn
        while (chunk := self._outstanding.get(point + 1)) is not None and chunk.state == _ABANDONED:
            point += 1
        if point > self._advanced_tsn:
            self._advanced_tsn = point
            self._forward_due = True

    def _forward_tsn(self) -> ForwardTsn:
        streams: dict[int, int] = {}
        for tsn in range(self.acked_tsn + 1, self._advanced_tsn + 1):
            message = self._outstanding[tsn].message
            if message.ordered:
                streams[message.stream.stream_id] = message.ssn
        return ForwardTsn(self._advanced_tsn & TSN_MASK, tuple(streams.items()))
