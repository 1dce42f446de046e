"""The association: packets in, packets out, time as an argument (RFC 9260)."""

from __future__ import annotations

import enum
import logging
import secrets
from collections.abc import Callable

from . import dcep
from .bundle import Bundle
from .channels import Channel, ChannelTable, call
from .chunks import ForwardTsn, Init, Sack, encode_cause, encode_shutdown, iterate_causes, parse_parameters, parse_word
from .congestion import CongestionControl
from .constants import (
    FLAG_TAG_REFLECTED,
    MAX_BURST_PACKETS,
    MAX_PACKET_SIZE,
    MAX_PENDING_REPLIES,
    MAX_RETRANSMITS,
    MAX_SHUTDOWN_RETRANSMITS,
    NEVER,
    RTO_INITIAL,
    RTO_MAX,
    RTO_MIN,
    Cause,
    ChunkType,
)
from .establishment import Agreement, Establishment, State
from .inbound import Inbound
from .outbound import Outbound
from .packet import ChunkError, PacketError, PacketHeader, encode_chunk, iterate_chunks, verify
from .reassembly import MessageTooLongError
from .reconfig import StreamReset
from .rto import RetransmissionTimeout
from .send_queue import SendQueue
from .serial import TSN_MASK

logger = logging.getLogger(__name__)

_DATA = int(ChunkType.DATA)
_RECEIVING = (State.ESTABLISHED, State.SHUTDOWN_PENDING, State.SHUTDOWN_SENT)
_SENDING = (State.ESTABLISHED, State.SHUTDOWN_PENDING, State.SHUTDOWN_RECEIVED)


class CloseReason(enum.Enum):
    """Why an association ended."""

    SHUTDOWN = "shutdown"
    """Both sides closed in order."""
    ABORTED = "aborted"
    """The peer sent ABORT."""
    LOCAL = "local"
    """`abort` was called."""
    PROTOCOL_VIOLATION = "protocol violation"
    """The peer sent what we cannot accept."""
    TIMEOUT = "timeout"
    """The peer did not answer for too long."""


def _nothing(*_: object) -> None:
    pass


class Association:
    """One SCTP association over DTLS and its data channels. See the package for how to drive it."""

    def __init__(
        self,
        *,
        max_packet_size: int = MAX_PACKET_SIZE,
        rto_initial: float = RTO_INITIAL,
        rto_min: float = RTO_MIN,
        rto_max: float = RTO_MAX,
        max_retransmits: int = MAX_RETRANSMITS,
        randbits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        """Sizes in bytes, times in seconds; `max_retransmits` is how many timeouts in a row end the association."""
        self.on_output: Callable[[], None] = _nothing
        self.on_established: Callable[[], None] = _nothing
        self.on_closed: Callable[[CloseReason], None] = _nothing
        self.on_restart: Callable[[], None] = _nothing
        self.dropped_packets = 0
        self.rto = RetransmissionTimeout(initial=rto_initial, minimum=rto_min, maximum=rto_max)
        self.inbound: Inbound | None = None
        self.outbound: Outbound | None = None
        self._queue = SendQueue()
        self._channels = ChannelTable(self._queue, self._output)
        self._congestion = CongestionControl(max_packet_size)
        self._establishment = Establishment(self, self.rto, randbits)
        self._reset: StreamReset | None = None
        self._bundle = Bundle(max_packet_size)
        self._control: list[bytes] = []
        self._apart: list[bytes] = []
        self._header = PacketHeader(0)
        self._local_tag = 0
        self._connected = False
        self._over = False
        self._state = State.CLOSED
        self._receiving = self._sending = False
        self._max_retransmits = max_retransmits
        self._errors = 0
        self._shutdown_attempts = 0
        self._t2_at = NEVER
        self._handlers: dict[int, Callable[[bytes, int, int, float], None]] = {
            ChunkType.INIT: self._receive_init,
            ChunkType.INIT_ACK: self._receive_init_ack,
            ChunkType.SACK: self._receive_sack,
            ChunkType.HEARTBEAT: self._receive_heartbeat,
            ChunkType.HEARTBEAT_ACK: self._ignore,
            ChunkType.ABORT: self._receive_abort,
            ChunkType.SHUTDOWN: self._receive_shutdown,
            ChunkType.SHUTDOWN_ACK: self._receive_shutdown_ack,
            ChunkType.ERROR: self._receive_error,
            ChunkType.COOKIE_ECHO: self._receive_cookie_echo,
            ChunkType.COOKIE_ACK: self._receive_cookie_ack,
            ChunkType.SHUTDOWN_COMPLETE: self._receive_shutdown_complete,
            ChunkType.RE_CONFIG: self._receive_reconfig,
            ChunkType.FORWARD_TSN: self._receive_forward_tsn,
        }

    # For the application

    @property
    def state(self) -> State:
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        self._state = state
        self._receiving = state in _RECEIVING
        self._sending = state in _SENDING

    @property
    def round_trip_time(self) -> float | None:
        """Smoothed, in seconds; None before the first measurement."""
        return self.rto.srtt

    @property
    def max_message_size(self) -> int:
        """The longest message the peer accepts, in bytes (RFC 8841 section 6)."""
        return self._channels.max_message_size

    @max_message_size.setter
    def max_message_size(self, size: int) -> None:
        self._channels.max_message_size = size

    @property
    def on_channel(self) -> Callable[[Channel], None]:
        """Called with a channel that the peer opened."""
        return self._channels.on_channel

    @on_channel.setter
    def on_channel(self, callback: Callable[[Channel], None]) -> None:
        self._channels.on_channel = callback

    def connect(self, now: float, *, is_client: bool, initiate: bool = True) -> None:
        """Begin, as the DTLS client or server. Both sides may initiate, or one of them.

        What arrives before is dropped, as the role decides on the stream ids of the channels opened so far.
        """
        self._channels.set_role(is_client)
        self._connected = True
        if initiate:
            self._establishment.connect(now)
            self._output()

    def open_channel(
        self,
        label: str,
        *,
        protocol: str = "",
        ordered: bool = True,
        max_retransmits: int | None = None,
        lifetime_ms: int | None = None,
    ) -> Channel:
        """A new channel; it opens with the association, or with the next flush if that is established."""
        parameters = dcep.Open(
            label=label, protocol=protocol, ordered=ordered, max_retransmits=max_retransmits, lifetime_ms=lifetime_ms
        )
        return self._channels.open(parameters)

    def shutdown(self, now: float) -> None:
        """Send what waits, then end the association in order (section 9.2); `on_closed` follows."""
        if self._state is State.ESTABLISHED:
            self.state = State.SHUTDOWN_PENDING
            self._continue_shutdown(now)
            self._output()
        elif self._state in (State.CLOSED, State.COOKIE_WAIT, State.COOKIE_ECHOED):
            self.abort()

    def abort(self) -> None:
        """End the association now (section 9.1); an ABORT goes out with the next flush."""
        self._abort(CloseReason.LOCAL, encode_cause(Cause.USER_INITIATED_ABORT))

    # Packets and time

    def receive_datagram(self, data: bytes, now: float) -> None:
        """Take a packet from the peer. Never raises: what cannot be read is dropped and counted."""
        if self._over or not self._connected:
            return
        try:
            self._receive_packet(data, verify(data), now)
        except (PacketError, ChunkError) as error:
            self.dropped_packets += 1
            logger.debug("packet dropped: %s", error)
        except MessageTooLongError as error:
            logger.warning("association aborted: %s", error)
            self._abort(CloseReason.PROTOCOL_VIOLATION, encode_cause(Cause.PROTOCOL_VIOLATION, str(error).encode()))

    def datagrams_to_send(self, now: float) -> list[bytes]:
        """The packets to send now, in order. To be called once per tick after anything else was called."""
        datagrams, self._apart = self._apart, []
        if self.outbound is not None and self.inbound is not None and not self._over:
            self._fill(self.outbound, self.inbound, now)
            header = self._header
            datagrams += [header.packet(chunks) for chunks in self._bundle.take()]
        if self._queue.drained:
            drained, self._queue.drained = self._queue.drained, []
            for stream in drained:
                if stream.on_low is not None:
                    stream.on_low()
        return datagrams

    def _fill(self, outbound: Outbound, inbound: Inbound, now: float) -> None:
        """Bundle control chunks first, then SACK, then DATA (section 6.10)."""
        bundle = self._bundle
        sending = self._sending
        if sending and self._channels.opening:
            self._channels.open_announced()
        packets = MAX_BURST_PACKETS
        if self._control:
            if self._state is State.COOKIE_ECHOED:  # DATA may go with the COOKIE ECHO, and only there (section 5.1 C)
                sending, packets = True, 1
            for chunk in self._control:
                bundle.add(chunk)
            self._control.clear()
        sending = sending and outbound.has_work
        if inbound.sack_at <= now or (sending and inbound.sack_at != NEVER):
            bundle.add(inbound.sack().encode())
        if sending:
            outbound.transmit(bundle, now, packets)
        if self._sending:
            self._reset_streams(bundle, now)

    def next_timer(self) -> float | None:
        """When to call `handle_timer` and then `datagrams_to_send`; None for never."""
        deadline = min(self._establishment.timer_at, self._t2_at)
        if self.outbound is not None and self.inbound is not None and self._reset is not None and not self._over:
            deadline = min(deadline, self.inbound.sack_at, self._reset.timer_at)
            if self._state is not State.COOKIE_ECHOED:
                deadline = min(deadline, self.outbound.t3_at)
        return None if deadline == NEVER else deadline

    def handle_timer(self, now: float) -> None:
        """A timer may have expired; SACKs and reset requests that are due need only the flush that follows."""
        if self._establishment.timer_at <= now:
            self._establishment.on_timer(now)
        if self._t2_at <= now:
            self._on_t2(now)
        outbound = self.outbound
        if outbound is not None and outbound.t3_at <= now and self._state is not State.COOKIE_ECHOED:
            self._errors += 1
            if self._errors > self._max_retransmits:  # section 8.1
                self._abort(CloseReason.TIMEOUT, encode_cause(Cause.USER_INITIATED_ABORT, b"no answer"))
            else:
                outbound.on_t3(now)

    # Receiving

    def _receive_packet(self, data: bytes, tag: int, now: float) -> None:
        has_data = False
        try:
            for chunk_type, flags, start, end in iterate_chunks(data):
                if chunk_type == _DATA:
                    if not self._receiving or tag != self._local_tag or self.inbound is None:
                        return
                    has_data = True
                    self.inbound.receive_data(data, flags, start, end)
                    continue
                if not self._tag_fits(chunk_type, flags, tag):
                    raise PacketError(f"verification tag {tag:#x} does not fit chunk {chunk_type}")
                handler = self._handlers.get(chunk_type)
                if handler is not None:
                    handler(data[start:end], flags, tag, now)
                elif not self._read_over(chunk_type, data[start - 4 : end]):
                    return
        finally:
            if has_data:
                self._after_data(now)

    def _after_data(self, now: float) -> None:
        if self.inbound is not None and self._reset is not None:
            self.inbound.end_of_packet(now)
            self._reset.inbound_advanced()
            if self._state is State.SHUTDOWN_SENT:
                self._send_shutdown(now)

    def _tag_fits(self, chunk_type: int, flags: int, tag: int) -> bool:
        """Section 8.5.1; the tag of a COOKIE ECHO is compared with the cookie."""
        if chunk_type == ChunkType.INIT:
            return tag == 0
        if chunk_type in (ChunkType.ABORT, ChunkType.SHUTDOWN_COMPLETE) and flags & FLAG_TAG_REFLECTED:
            return tag == self._establishment.peer_tag != 0
        return chunk_type == ChunkType.COOKIE_ECHO or tag == self._establishment.local_tag != 0

    def _read_over(self, chunk_type: int, chunk: bytes) -> bool:
        """An unknown chunk: its two highest bits say whether to report it and to go on (section 3.2)."""
        if chunk_type & 0x40 and self._sending:
            self.send_control(encode_chunk(ChunkType.ERROR, encode_cause(Cause.UNRECOGNIZED_CHUNK, chunk[:64])))
        return bool(chunk_type & 0x80)

    def _ignore(self, body: bytes, flags: int, tag: int, now: float) -> None:
        pass

    def _receive_init(self, body: bytes, flags: int, tag: int, now: float) -> None:
        self._establishment.receive_init(Init.parse(body), now)

    def _receive_init_ack(self, body: bytes, flags: int, tag: int, now: float) -> None:
        self._establishment.receive_init_ack(Init.parse(body), now)

    def _receive_cookie_echo(self, body: bytes, flags: int, tag: int, now: float) -> None:
        self._establishment.receive_cookie_echo(body, tag, now)

    def _receive_cookie_ack(self, body: bytes, flags: int, tag: int, now: float) -> None:
        self._establishment.receive_cookie_ack(now)

    def _receive_sack(self, body: bytes, flags: int, tag: int, now: float) -> None:
        if self.outbound is None or not (self._sending or self._state is State.SHUTDOWN_SENT):
            return
        self._errors = 0
        for on_delivered in self.outbound.acknowledge(Sack.parse(body), now):
            call(on_delivered)
        if self._state is not State.ESTABLISHED:
            self._continue_shutdown(now)

    def _receive_heartbeat(self, body: bytes, flags: int, tag: int, now: float) -> None:
        if self._state not in (State.CLOSED, State.COOKIE_WAIT, State.COOKIE_ECHOED):
            self.send_control(encode_chunk(ChunkType.HEARTBEAT_ACK, body[:MAX_PACKET_SIZE]))

    def _receive_forward_tsn(self, body: bytes, flags: int, tag: int, now: float) -> None:
        if self.inbound is not None and self._reset is not None and self._receiving:
            self.inbound.receive_forward_tsn(ForwardTsn.parse(body), now)
            self._reset.inbound_advanced()

    def _receive_reconfig(self, body: bytes, flags: int, tag: int, now: float) -> None:
        if self._reset is not None and self._receiving:
            answer = self._reset.receive(parse_parameters(body))
            if answer is not None:
                self.send_control(answer)

    def _receive_error(self, body: bytes, flags: int, tag: int, now: float) -> None:
        for cause, _ in iterate_causes(body):
            logger.debug("the peer reports error cause %d", cause)
            if cause == Cause.STALE_COOKIE:
                self._establishment.stale_cookie(now)

    def _receive_abort(self, body: bytes, flags: int, tag: int, now: float) -> None:
        self._close(CloseReason.ABORTED)

    # Shutdown (section 9.2)

    def _continue_shutdown(self, now: float) -> None:
        """Once all is acknowledged, tell the peer."""
        if self.outbound is None or not self.outbound.is_idle:
            return
        if self._state is State.SHUTDOWN_PENDING:
            self.state = State.SHUTDOWN_SENT
            self._send_shutdown(now)
        elif self._state is State.SHUTDOWN_RECEIVED:
            self.state = State.SHUTDOWN_ACK_SENT
            self._send_shutdown(now)

    def _send_shutdown(self, now: float) -> None:
        self._t2_at = now + self.rto.value
        if self._state is State.SHUTDOWN_SENT and self.inbound is not None:
            self.send_control(encode_shutdown(self.inbound.cumulative_tsn & TSN_MASK))
        else:
            self.send_control(encode_chunk(ChunkType.SHUTDOWN_ACK))

    def _on_t2(self, now: float) -> None:
        self._shutdown_attempts += 1
        if self._shutdown_attempts > MAX_SHUTDOWN_RETRANSMITS:
            self._close(CloseReason.TIMEOUT)
        else:
            self.rto.back_off()
            self._send_shutdown(now)

    def _receive_shutdown(self, body: bytes, flags: int, tag: int, now: float) -> None:
        cumulative_tsn = parse_word(body)
        if self.outbound is None or self._state in (State.COOKIE_WAIT, State.COOKIE_ECHOED, State.CLOSED):
            return
        if self._state in (State.ESTABLISHED, State.SHUTDOWN_PENDING):
            self.state = State.SHUTDOWN_RECEIVED
        elif self._state is State.SHUTDOWN_SENT:  # both at once
            self.state = State.SHUTDOWN_ACK_SENT
            self._send_shutdown(now)
            return
        for on_delivered in self.outbound.acknowledge_cumulative_only(cumulative_tsn, now):
            call(on_delivered)
        self._continue_shutdown(now)

    def _receive_shutdown_ack(self, body: bytes, flags: int, tag: int, now: float) -> None:
        if self._state in (State.SHUTDOWN_SENT, State.SHUTDOWN_ACK_SENT):
            self.send_apart(self._establishment.peer_tag, encode_chunk(ChunkType.SHUTDOWN_COMPLETE))
            self._close(CloseReason.SHUTDOWN)

    def _receive_shutdown_complete(self, body: bytes, flags: int, tag: int, now: float) -> None:
        if self._state is State.SHUTDOWN_ACK_SENT:
            self._close(CloseReason.SHUTDOWN)

    # For the handshake

    def send_control(self, chunk: bytes) -> None:
        if len(self._control) < MAX_PENDING_REPLIES:
            self._control.append(chunk)

    def send_apart(self, tag: int, chunk: bytes) -> None:
        if len(self._apart) < MAX_PENDING_REPLIES:
            self._apart.append(PacketHeader(tag).packet([chunk]))

    def adopt(self, agreement: Agreement) -> None:
        self._local_tag = agreement.local_tag
        self._header = PacketHeader(agreement.peer_tag)
        self.inbound = Inbound(agreement.peer_initial_tsn, self._channels.deliver)
        if self.outbound is None or self._state is State.ESTABLISHED:
            self.outbound = Outbound(agreement.local_initial_tsn, self.rto, self._congestion, self._queue)
        self.outbound.partial_reliability = agreement.forward_tsn
        self.outbound.peer_window(agreement.peer_window)
        self._reset = StreamReset(self.inbound, self.outbound, self.rto, agreement.local_initial_tsn)
        self._channels.begin(agreement.outbound_streams, self._reset, can_reset=agreement.reconfig)

    def established(self, now: float) -> None:
        self.state = State.ESTABLISHED
        self._errors = 0
        call(self.on_established)
        self._channels.open_announced()

    def restart(self, agreement: Agreement, now: float) -> None:
        self._channels.close_all()
        self.adopt(agreement)
        self.state = State.ESTABLISHED
        call(self.on_restart)

    def resend(self, now: float) -> None:
        if self.outbound is not None:
            self.outbound.lose_all(now)

    def handshake_timeout(self, now: float) -> None:
        self._close(CloseReason.TIMEOUT)

    # Inside

    def _output(self) -> None:
        self.on_output()

    def _reset_streams(self, bundle: Bundle, now: float) -> None:
        if self._reset is not None:
            self._channels.reset_drained()
            request = self._reset.request(now)
            if request is not None:
                bundle.add(request)

    def _abort(self, reason: CloseReason, cause: bytes) -> None:
        if self._over:
            return
        if self._establishment.peer_tag:
            self.send_apart(self._establishment.peer_tag, encode_chunk(ChunkType.ABORT, cause))
        self._close(reason)
        self._output()

    def _close(self, reason: CloseReason) -> None:
        if self._over:
            return
        self._over = True
        self.state = State.CLOSED
        self._establishment.stop()
        self._t2_at = NEVER
        self._control.clear()
        self._channels.close_all()
        call(self.on_closed, reason)
