"""The association: packets in, packets out, time as an argument (RFC 9260)."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from livekit._util.callbacks import ignore

from . import dcep
from .bundle import Bundle
from .channel import Channel, call
from .channels import ChannelTable
from .chunks import encode_cause
from .congestion import CongestionControl
from .constants import (
    MAX_BURST_PACKETS,
    MAX_PACKET_SIZE,
    MAX_PENDING_REPLIES,
    MAX_RETRANSMITS,
    NEVER,
    RTO_INITIAL,
    RTO_MAX,
    RTO_MIN,
    Cause,
    ChunkType,
)
from .dispatch import Dispatch
from .establishment import Agreement, Establishment
from .inbound import Inbound
from .outbound import Outbound
from .packet import ChunkError, PacketError, PacketHeader, encode_chunk
from .path_mtu import PathMtu
from .reassembly import MessageTooLongError
from .reconfig import StreamReset
from .rto import RetransmissionTimeout
from .send_queue import SendQueue
from .shutdown import Shutdown
from .states import RECEIVING, SENDING, CloseReason, State

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class TransmissionControlBlock:
    """What there is once both sides have agreed (RFC 9260 section 14)."""

    local_tag: int
    header: PacketHeader
    inbound: Inbound
    outbound: Outbound
    reset: StreamReset


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
        self.on_output: Callable[[], None] = ignore
        """Something may wait to be sent."""
        self.on_established: Callable[[], None] = ignore
        self.on_closed: Callable[[CloseReason], None] = ignore
        self.on_restart: Callable[[], None] = ignore
        """The peer began anew; all channels have closed."""
        self.dropped_packets = 0
        self.rto = RetransmissionTimeout(initial=rto_initial, minimum=rto_min, maximum=rto_max)
        self.congestion = CongestionControl(max_packet_size)
        self.path_mtu = PathMtu(max_packet_size, self._resize)
        # For the modules of this package.
        self.tcb: TransmissionControlBlock | None = None
        self.establishment = Establishment(self, self.rto, randbits)
        self.shutdown_sequence = Shutdown(self)
        self.receiving = self.sending = self.is_set_up = False
        self._state = State.CLOSED
        self._dispatch = Dispatch(self)
        self._queue = SendQueue()
        self._channels = ChannelTable(self._queue, self.congestion, self._output)
        self._bundle = Bundle(max_packet_size)
        self._control: list[bytes] = []
        self._apart: list[bytes] = []
        self._connected = False
        self._over = False
        self._max_retransmits = max_retransmits
        self._errors = 0

    # For the application

    @property
    def state(self) -> State:
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        self._state = state
        self.receiving = state in RECEIVING
        self.sending = state in SENDING
        self.is_set_up = state not in (State.CLOSED, State.COOKIE_WAIT, State.COOKIE_ECHOED)

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
            self.establishment.connect(now)
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
        if self._state is State.ESTABLISHED and self.tcb is not None:
            self.shutdown_sequence.begin(self.tcb, now)
            self._output()
        elif not self.is_set_up:
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
            self._dispatch.receive(data, now)
        except (PacketError, ChunkError) as error:
            self.dropped_packets += 1
            logger.debug("packet dropped: %s", error)
        except MessageTooLongError as error:
            logger.warning("association aborted: %s", error)
            self._abort(CloseReason.PROTOCOL_VIOLATION, encode_cause(Cause.PROTOCOL_VIOLATION, str(error).encode()))

    def datagrams_to_send(self, now: float) -> list[bytes]:
        """The packets to send now, in order. To be called once per tick after anything else was called."""
        datagrams: list[bytes] = []
        if self.sending:
            self._channels.before_flush()
        tcb = self.tcb
        if tcb is not None:
            self._fill(tcb, now)
            header = tcb.header
            datagrams = [header.packet(chunks) for chunks in self._bundle.take()]
            if self.sending and self.path_mtu.timer_at <= now and (probe := self.path_mtu.take_probe(now)):
                datagrams.append(header.packet(probe))
        if self._apart:
            datagrams = self._apart + datagrams
            self._apart = []
        if self._queue.drained:
            self._queue.report_drained()
        return datagrams

    def _fill(self, tcb: TransmissionControlBlock, now: float) -> None:
        """Control chunks first, then SACK, then DATA (section 6.10)."""
        bundle, inbound, outbound = self._bundle, tcb.inbound, tcb.outbound
        sending, packets = self.sending, MAX_BURST_PACKETS
        if self._control:
            if self._state is State.COOKIE_ECHOED:  # DATA may go with the COOKIE ECHO, and only there (section 5.1 C)
                sending, packets = True, 1
            for chunk in self._control:
                bundle.add(chunk)
            self._control.clear()
        sending = sending and outbound.has_work
        sack_twice = False
        sack = b""
        if inbound.sack_at <= now or (sending and inbound.sack_at != NEVER):
            sack_twice = inbound.is_sack_precious()
            sack = inbound.sack().encode()
            bundle.add(sack)
        if sending:
            outbound.transmit(bundle, now, packets)
        if sack_twice:
            bundle.finish_packet()
            bundle.add(sack)
        if self.sending and (request := tcb.reset.request(now)) is not None:
            bundle.add(request)

    def next_timer(self) -> float | None:
        """When to call `handle_timer` and then `datagrams_to_send`; None for never."""
        tcb = self.tcb
        if tcb is None:
            deadline = self.establishment.timer_at
        elif self.is_set_up:
            deadline = min(tcb.outbound.t3_at, tcb.inbound.sack_at, tcb.reset.timer_at, self.shutdown_sequence.timer_at)
            if self.sending and self.path_mtu.timer_at < deadline:
                deadline = self.path_mtu.timer_at
        else:
            deadline = self.establishment.timer_at
        return None if deadline == NEVER else deadline

    def handle_timer(self, now: float) -> None:
        """A timer may have expired; SACKs and reset requests that are due need only the flush that follows."""
        tcb = self.tcb
        if self.establishment.timer_at <= now:
            self.establishment.on_timer(now)
        elif tcb is None or not self.is_set_up:
            return
        elif self.shutdown_sequence.timer_at <= now:
            self.shutdown_sequence.on_timer(tcb, now)
        elif tcb.outbound.t3_at <= now:
            self._on_t3(tcb.outbound, now)

    def _on_t3(self, outbound: Outbound, now: float) -> None:
        self._errors += 1
        if self._errors > self._max_retransmits:  # section 8.1
            self._abort(CloseReason.TIMEOUT, encode_cause(Cause.USER_INITIATED_ABORT, b"no answer"))
        else:
            self.path_mtu.timed_out(self._errors)
            outbound.on_t3(now)

    # For the modules of this package

    @property
    def local_tag(self) -> int:
        return self.establishment.local_tag

    @property
    def peer_tag(self) -> int:
        return self.establishment.peer_tag

    def send_control(self, chunk: bytes) -> None:
        """Send a chunk to the peer with the next flush."""
        if len(self._control) < MAX_PENDING_REPLIES:
            self._control.append(chunk)

    def send_apart(self, tag: int, chunk: bytes) -> None:
        """Send a chunk alone, in a packet with this verification tag."""
        if len(self._apart) < MAX_PENDING_REPLIES:
            self._apart.append(PacketHeader(tag).packet([chunk]))

    def heard(self) -> None:
        """The peer acknowledges: the path works (section 8.1)."""
        self._errors = 0

    def adopt(self, agreement: Agreement) -> None:
        """Prepare both halves for data."""
        inbound = Inbound(agreement.peer_initial_tsn, self._channels.deliver)
        if self.tcb is None or self.is_set_up:
            outbound = Outbound(agreement.local_initial_tsn, self.rto, self.congestion, self._queue)
        else:  # DATA may have gone with a COOKIE ECHO
            outbound = self.tcb.outbound
        outbound.adopt(agreement.peer_window, partial_reliability=agreement.forward_tsn)
        reset = StreamReset(inbound, outbound, self.rto, agreement.local_initial_tsn)
        header = PacketHeader(agreement.peer_tag)
        self.tcb = TransmissionControlBlock(agreement.local_tag, header, inbound, outbound, reset)
        self._channels.begin(agreement.outbound_streams, reset, can_reset=agreement.reconfig)

    def established(self) -> None:
        """Data may flow."""
        self.state = State.ESTABLISHED
        self._errors = 0
        call(self.on_established)
        self._channels.open_announced()  # now, as data may follow in the same packet

    def restart(self, agreement: Agreement) -> None:
        """The peer lost its state and begins anew; so must we (section 5.2.4, action A)."""
        self._channels.close_all()
        self.congestion.restart()
        self.adopt(agreement)
        self.state = State.ESTABLISHED
        call(self.on_restart)

    def resend(self, now: float) -> None:
        """What was sent along with a COOKIE ECHO must be sent again with it."""
        if self.tcb is not None:
            self.tcb.outbound.lose_all(now)

    def close(self, reason: CloseReason) -> None:
        """Nothing goes in or out any more, but for what waits in packets of its own."""
        if self._over:
            return
        self._over = True
        self.state = State.CLOSED
        self.tcb = None
        self.establishment.stop()
        self._control.clear()
        self._channels.close_all()
        call(self.on_closed, reason)

    def _abort(self, reason: CloseReason, cause: bytes) -> None:
        if not self._over:
            if self.peer_tag:
                self.send_apart(self.peer_tag, encode_chunk(ChunkType.ABORT, cause))
            self.close(reason)
            self._output()

    def _resize(self, max_packet_size: int) -> None:
        self._bundle.resize(max_packet_size)
        self.congestion.resize(max_packet_size)

    def _output(self) -> None:
        self.on_output()
