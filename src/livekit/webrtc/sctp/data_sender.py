"""Transmission of DATA within the windows, processing of SACKs, and T3-rtx (RFC 9260 sections 6.1 to 6.3)."""

from __future__ import annotations

from collections.abc import Callable

from livekit.webrtc.serial_number import unwrap_32

from .bundling import Bundle
from .chunks import DATA_HEADER, Sack
from .congestion import CongestionControl
from .constants import (
    DATA_HEADER_SIZE,
    FLAG_BEGIN,
    FLAG_END,
    FLAG_UNORDERED,
    MAX_BURST_PACKETS,
    MAX_PACKET_SIZE,
    MIN_FRAGMENT,
    NEVER,
    THIN_FLIGHT_PACKETS,
    THIN_TIMEOUTS,
    TSN_MASK,
)
from .packet import PADDING
from .retransmission import LOST, OutstandingData, SentChunk
from .rto import RetransmissionTimeout
from .send_queue import Message, SendQueue


class DataSender:
    """The data sender of an association."""

    __slots__ = (
        "_bypass_cwnd",
        "_congestion",
        "_consecutive_timeouts",
        "_first_ack_at",
        "_forward_tsn_due",
        "_idle_since",
        "_peer_window",
        "_rto",
        "_rtt_sent_at",
        "_rtt_tsn",
        "_send_queue",
        "outstanding",
        "retransmissions",
        "stalled",
        "t3_at",
        "timeouts",
    )

    def __init__(
        self, initial_tsn: int, rto: RetransmissionTimeout, congestion: CongestionControl, queue: SendQueue
    ) -> None:
        self._rto = rto
        self._congestion = congestion
        self._send_queue = queue
        self.outstanding = OutstandingData(initial_tsn, queue.abandon)
        self.t3_at = NEVER
        """Expiry of T3-rtx."""
        self.retransmissions = 0
        """Chunks retransmitted so far."""
        self.stalled: SentChunk | None = None
        """Chunk that has been lost repeatedly, to be examined by the association."""
        self.timeouts = 0
        """T3-rtx timeouts so far."""
        self._consecutive_timeouts = 0  # timeouts since the cumulative TSN last advanced
        self._peer_window = 0
        self._bypass_cwnd = False  # send the next retransmission regardless of cwnd (section 7.2.4, step 3)
        self._forward_tsn_due = False
        self._rtt_tsn: int | None = None  # chunk whose round trip is being measured
        self._rtt_sent_at = 0.0
        self._first_ack_at = NEVER  # first acknowledgement since then
        self._idle_since: float | None = None

    def set_peer(self, window: int, *, partial_reliability: bool) -> None:
        """Apply the peer's INIT or INIT ACK: its receiver window in bytes, and its support of FORWARD TSN."""
        self._peer_window = window
        self.outstanding.partial_reliability = partial_reliability

    @property
    def is_idle(self) -> bool:
        """True if all data is sent and acknowledged."""
        return not self.outstanding.chunks and self._send_queue.head() is None

    @property
    def has_work(self) -> bool:
        """True if data or a FORWARD TSN is to be sent, as far as the windows allow."""
        return self._send_queue.head() is not None or bool(self.outstanding.lost) or self._forward_tsn_due

    # Transmission (section 6.1)

    def transmit(self, bundle: Bundle, now: float, max_packets: int = MAX_BURST_PACKETS) -> None:
        """Bundle as much as the windows allow: retransmissions first, then new data (section 6.1, rule C)."""
        if self._forward_tsn_due:
            self._forward_tsn_due = False
            bundle.add(self.outstanding.forward_tsn().encode())
        last_packet = bundle.number + max_packets - 1
        retransmitted = bool(self.outstanding.lost) and self._retransmit(bundle, now, last_packet)
        sent_new = self._transmit_new(bundle, now, last_packet)
        if retransmitted or sent_new:
            bundle.set_immediate()
        if sent_new and self._rtt_tsn is None:
            self._rtt_tsn, self._rtt_sent_at, self._first_ack_at = self.outstanding.next_tsn - 1, now, NEVER
        if self.t3_at == NEVER and self.outstanding.chunks:
            self.t3_at = now + self._rto.value

    def _retransmit(self, bundle: Bundle, now: float, last_packet: int) -> bool:
        outstanding = self.outstanding
        window = min(self._congestion.cwnd, self._peer_window)
        before = self.retransmissions
        unambiguous_at = now + self._rto.min_rtt
        done = 0
        for tsn in outstanding.lost:
            chunk = outstanding.chunks.get(tsn)
            if chunk is not None and chunk.state == LOST:
                size = len(chunk.wire)
                if outstanding.flight_size and not self._bypass_cwnd and outstanding.flight_size + size > window:
                    break
                if bundle.number >= last_packet and size > bundle.free_payload:
                    break
                self._bypass_cwnd = False
                bundle.add(chunk.wire)
                outstanding.mark_retransmitted(chunk, bundle.number, unambiguous_at)
                self.retransmissions += 1
            done += 1
        del outstanding.lost[:done]
        return self.retransmissions > before

    def _transmit_new(self, bundle: Bundle, now: float, last_packet: int) -> bool:
        queue, outstanding = self._send_queue, self.outstanding
        if self._idle_since is not None:
            self._congestion.on_idle(now - self._idle_since, self._rto.value)
            self._idle_since = None
        first = outstanding.next_tsn
        cwnd, window = self._congestion.cwnd, self._peer_window
        while outstanding.flight_size < cwnd and (message := queue.head()) is not None:
            free = bundle.free_payload
            size = len(message.data) - message.offset
            next_packet = size > free and (free < MIN_FRAGMENT or size <= bundle.max_payload)
            if next_packet:
                free = bundle.max_payload
            size = min(size, free)
            if outstanding.flight_size and outstanding.flight_size + size + DATA_HEADER_SIZE > window:
                break  # with nothing in flight, one chunk probes a zero window (rule A)
            if next_packet:
                if bundle.number >= last_packet:
                    break
                bundle.finish_packet()
            self._send_fragment(bundle, message, size, now)
        return outstanding.next_tsn != first

    def _send_fragment(self, bundle: Bundle, message: Message, size: int, now: float) -> None:
        begin = message.offset
        end = begin + size
        ends_message = end == len(message.data)
        flags = FLAG_END if ends_message else 0
        if not message.ordered:
            flags |= FLAG_UNORDERED
        if begin == 0:
            flags |= FLAG_BEGIN
            self._send_queue.begin(message, now)
        length = size + DATA_HEADER_SIZE
        tsn = self.outstanding.next_tsn & TSN_MASK
        header = DATA_HEADER.pack(0, flags, length, tsn, message.stream.stream_id, message.ssn, message.ppid)
        wire = header + message.data[begin:end] + PADDING[length & 3]
        bundle.add(wire)
        self.outstanding.add(wire, message, ends_message, bundle.number)
        self._send_queue.advance(message, size)

    # Acknowledgement (section 6.2.1)

    def acknowledge(self, sack: Sack, now: float) -> list[Callable[[], None]]:
        """Process a SACK; return the `on_delivered` callbacks of messages that are cumulatively acknowledged now."""
        outstanding = self.outstanding
        cumulative = unwrap_32(sack.cumulative_tsn, outstanding.cumulative_acked_tsn)
        if cumulative < outstanding.cumulative_acked_tsn or cumulative >= outstanding.next_tsn:
            return []  # rule D i: an old SACK; or of TSNs never sent
        flight_before = outstanding.flight_size
        advanced = cumulative > outstanding.cumulative_acked_tsn
        delivered: list[Callable[[], None]] = []
        newly_acked = outstanding.acknowledge_cumulative(cumulative, delivered, now) if advanced else 0
        gap_acked, lost = outstanding.acknowledge_gaps(sack.gaps, now)
        self._peer_window = sack.window
        if newly_acked or gap_acked:
            self._first_ack_at = min(self._first_ack_at, now)
        self._measure(now)
        if advanced:
            self._rto.reset_backoff()
            self._consecutive_timeouts = 0
            self._congestion.on_ack(newly_acked + gap_acked, flight_before, cumulative)
        if lost:
            self._fast_retransmit(lost, now)
        self._forward_tsn_due |= outstanding.advance_peer_ack_point() or (advanced and outstanding.needs_forward_tsn)
        if not outstanding.chunks:
            self.t3_at = NEVER
            self._idle_since = now
        elif advanced or lost:
            self.t3_at = now + self._rto.value  # section 6.3.2, rule R3, and 7.2.4, step 4
        return delivered

    def sack_from_shutdown(self, cumulative_tsn: int) -> Sack:
        """Return the acknowledgement in a SHUTDOWN, which carries neither window nor gaps (section 9.2)."""
        return Sack(cumulative_tsn, self._peer_window, [], [])

    def _measure(self, now: float) -> None:
        """Sample the round trip, one measurement at a time (section 6.3.1, rule C4)."""
        if self._rtt_tsn is not None and self.outstanding.is_acked(self._rtt_tsn):
            self._rtt_tsn = None
            rtt = now - self._rtt_sent_at
            self._rto.sample(rtt)
            self._congestion.on_rtt_sample(rtt, self._rto.min_rtt, self._first_ack_at - self._rtt_sent_at)

    # Loss (sections 6.3.3 and 7.2.4)

    def _fast_retransmit(self, lost: list[SentChunk], now: float) -> None:
        if self._congestion.enter_fast_recovery(self.outstanding.next_tsn - 1):
            self._bypass_cwnd = True
        self._mark_lost(lost, now)

    def handle_t3(self, now: float) -> None:
        """Mark everything in flight as lost on expiry of T3-rtx (section 6.3.3)."""
        self.timeouts += 1
        self._consecutive_timeouts += 1
        is_thin = self.outstanding.flight_size < THIN_FLIGHT_PACKETS * MAX_PACKET_SIZE
        if not is_thin or self._consecutive_timeouts > THIN_TIMEOUTS:
            self._rto.back_off()
        self._congestion.on_t3_expiry()
        self.mark_all_lost(now)

    def mark_all_lost(self, now: float) -> None:
        """Mark everything in flight as lost and stop T3-rtx."""
        self.t3_at = NEVER
        self._mark_lost(self.outstanding.in_flight(), now)
        self._forward_tsn_due = self.outstanding.advance_peer_ack_point() or self.outstanding.needs_forward_tsn

    def _mark_lost(self, chunks: list[SentChunk], now: float) -> None:
        if any(chunk.tsn == self._rtt_tsn for chunk in chunks):
            self._rtt_tsn = None  # Karn's rule (section 6.3.1, C5)
        self.stalled = next((chunk for chunk in chunks if chunk.is_stalled), self.stalled)
        self.outstanding.mark_lost(chunks, now)
