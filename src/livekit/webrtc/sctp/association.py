"""The SCTP association: packets in, packets out, with time as an argument (RFC 9260)."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from livekit._util.callbacks import ignore

from . import dcep
from .bundling import Bundle
from .channel import Channel, call
from .channel_table import ChannelTable
from .chunk_dispatch import ChunkDispatcher
from .chunks import encode_cause
from .congestion import CongestionControl
from .constants import (
    MAX_BURST_PACKETS,
    MAX_PACKET_SIZE,
    MAX_RETRANSMITS,
    NEVER,
    RTO_INITIAL,
    RTO_MAX,
    RTO_MIN,
    STALL_TRANSMISSIONS,
    Cause,
    ChunkType,
)
from .data_receiver import DataReceiver
from .data_sender import DataSender
from .handshake import Handshake, NegotiatedParameters
from .packet import ChunkError, PacketError, PacketHeader, encode_chunk
from .path_mtu import PathMtu
from .reassembly import MessageTooLongError
from .reconfig import StreamReset
from .rto import RetransmissionTimeout
from .send_queue import SendQueue
from .shutdown import Shutdown
from .states import CloseReason, State
from .tcb import DataTransfer, TransmissionControlBlock

logger = logging.getLogger(__name__)


class Association:
    """One SCTP association over DTLS, and its data channels. The package's docstring describes how to drive it."""

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
        """Create an association in state CLOSED.

        Args:
            max_packet_size: Base size of SCTP packets, in bytes; path MTU discovery starts from it.
            rto_initial: RTO.Initial, in seconds.
            rto_min: RTO.Min, in seconds.
            rto_max: RTO.Max, in seconds.
            max_retransmits: Association.Max.Retrans: the consecutive T3-rtx timeouts that are tolerated.
            randbits: Source of verification tags and initial TSNs.
        """
        self.on_output: Callable[[], None] = ignore
        """`datagrams_to_send` may have something to send."""
        self.on_established: Callable[[], None] = ignore
        self.on_closed: Callable[[CloseReason], None] = ignore
        self.on_restart: Callable[[], None] = ignore
        """The peer restarted the association (section 5.2.4); all channels have closed."""
        self.dropped_packets = 0
        self.rto = RetransmissionTimeout(initial=rto_initial, minimum=rto_min, maximum=rto_max)
        self.congestion = CongestionControl(max_packet_size)
        self.path_mtu = PathMtu(max_packet_size, self._set_packet_size)
        self.tcb = TransmissionControlBlock(self.rto)
        self._handshake = Handshake(self.tcb, self, randbits)
        self._shutdown = Shutdown(self.tcb, self.close)
        self._dispatcher = ChunkDispatcher(self.tcb, self._handshake, self._shutdown, self.path_mtu, self.close)
        self._send_queue = SendQueue()
        self._channels = ChannelTable(self._send_queue, self.congestion, self._request_output)
        self._bundle = Bundle(max_packet_size)
        self._probe: bytes | None = None
        self._connected = False
        self._closed = False
        self._max_retransmits = max_retransmits

    # Application

    @property
    def state(self) -> State:
        return self.tcb.state

    @property
    def round_trip_time(self) -> float | None:
        """Smoothed round-trip time in seconds; None before the first measurement."""
        return self.rto.srtt

    @property
    def max_message_size(self) -> int:
        """The peer's maximum message size, in bytes (RFC 8841 section 6)."""
        return self._channels.max_message_size

    @max_message_size.setter
    def max_message_size(self, size: int) -> None:
        self._channels.max_message_size = size

    @property
    def on_channel(self) -> Callable[[Channel], None]:
        """Called with each channel that the peer opens."""
        return self._channels.on_channel

    @on_channel.setter
    def on_channel(self, callback: Callable[[Channel], None]) -> None:
        self._channels.on_channel = callback

    def connect(self, now: float, *, is_client: bool, initiate: bool = True) -> None:
        """Start the handshake, as DTLS client or server. One side or both may initiate.

        Packets received earlier are dropped: the DTLS role determines the stream ids of channels already opened.
        """
        self._channels.set_role(is_client)
        self._connected = True
        if initiate:
            self._handshake.connect(now)
            self._request_output()

    def open_channel(
        self,
        label: str,
        *,
        protocol: str = "",
        ordered: bool = True,
        max_retransmits: int | None = None,
        lifetime_ms: int | None = None,
    ) -> Channel:
        """Create a channel. It opens with the association or, if that is established, with the next flush."""
        parameters = dcep.Open(
            label=label, protocol=protocol, ordered=ordered, max_retransmits=max_retransmits, lifetime_ms=lifetime_ms
        )
        return self._channels.open(parameters)

    def shutdown(self, now: float) -> None:
        """Send all queued messages, then shut down gracefully (section 9.2); `on_closed` follows."""
        tcb = self.tcb
        if tcb.state is State.ESTABLISHED and tcb.transfer is not None:
            self._shutdown.start(tcb.transfer, now)
            self._request_output()
        elif not tcb.handshake_complete:
            self.abort()

    def abort(self) -> None:
        """Abort the association (section 9.1); the next flush sends an ABORT."""
        self._abort(CloseReason.LOCAL, encode_cause(Cause.USER_INITIATED_ABORT))

    # Packets and timers

    def receive_datagram(self, data: bytes, now: float) -> None:
        """Process a packet from the peer. Invalid packets are dropped and counted, never raised."""
        if self._closed or not self._connected:
            return
        try:
            self._dispatcher.receive(data, now)
        except (PacketError, ChunkError) as error:
            self.dropped_packets += 1
            logger.debug("packet dropped: %s", error)
        except MessageTooLongError as error:
            logger.warning("association aborted: %s", error)
            self._abort(CloseReason.PROTOCOL_VIOLATION, encode_cause(Cause.PROTOCOL_VIOLATION, str(error).encode()))

    def datagrams_to_send(self, now: float) -> list[bytes]:
        """Return the packets to send now, in order. Call it once per tick, after all other calls."""
        datagrams: list[bytes] = []
        tcb = self.tcb
        if tcb.can_send:
            self._channels.prepare_flush()
        transfer = tcb.transfer
        if transfer is not None:
            if transfer.sender.stalled is not None or self.path_mtu.timer_at <= now:
                self._discover_path_mtu(transfer, now)
            self._bundle_chunks(transfer, now)
            header = transfer.header
            datagrams = [header.packet(chunks) for chunks in self._bundle.take()]
        if tcb.packets:
            datagrams = tcb.packets + datagrams
            tcb.packets = []
        if self._send_queue.low_streams:
            self._send_queue.notify_buffered_amount_low()
        return datagrams

    def take_probe(self) -> bytes | None:
        """Return the packet to send with the Don't Fragment bit after those of `datagrams_to_send`, and forget it.

        If it is over the MTU of the local interface, call `reject_probe`.
        """
        probe, self._probe = self._probe, None
        return probe

    def reject_probe(self, now: float) -> None:
        """Abandon the size of the last probe, which the local interface rejects; the next flush sends another one."""
        self.path_mtu.reject_probe(now)
        self._request_output()

    def _discover_path_mtu(self, transfer: DataTransfer, now: float) -> None:
        """Examine a chunk that does not arrive, and take the probe that is due."""
        mtu = self.path_mtu
        if self.tcb.can_send and mtu.timer_at <= now and (taken := mtu.take_probe(now)):
            heartbeat, chunks = taken
            self.tcb.send_control(heartbeat)
            self._probe = transfer.header.packet(chunks)
        if transfer.sender.stalled is not None and not mtu.is_searching:
            self._examine_stalled(transfer.sender, now)

    def _examine_stalled(self, sender: DataSender, now: float) -> None:
        """Suspect a black hole; abort if the path is known not to carry the chunk, which cannot be split."""
        stalled, sender.stalled = sender.stalled, None
        if stalled is None or not sender.outstanding.is_pending(stalled):
            return
        if stalled.transmissions > STALL_TRANSMISSIONS and self.path_mtu.is_too_long(stalled.packet_size):
            self._abort(CloseReason.TIMEOUT, encode_cause(Cause.USER_INITIATED_ABORT, b"over the path MTU"))
        else:
            self.path_mtu.suspect_black_hole(now)

    def _bundle_chunks(self, transfer: DataTransfer, now: float) -> None:
        """Bundle control chunks first, then SACK, then DATA (section 6.10)."""
        tcb, bundle, receiver, sender = self.tcb, self._bundle, transfer.receiver, transfer.sender
        sending, packets = tcb.can_send, MAX_BURST_PACKETS
        if tcb.control_chunks:
            if tcb.state is State.COOKIE_ECHOED:  # DATA may be bundled with the COOKIE ECHO only (section 5.1 C)
                sending, packets = True, 1
            for chunk in tcb.control_chunks:
                bundle.add(chunk)
            tcb.control_chunks.clear()
        sending = sending and sender.has_work
        duplicate_sack = False
        sack = b""
        if receiver.sack_at <= now or (sending and receiver.sack_at != NEVER):
            duplicate_sack = receiver.should_duplicate_sack()
            sack = receiver.sack(self.path_mtu.size).encode()
            bundle.add(sack)
        if sending:
            sender.transmit(bundle, now, packets)
        if duplicate_sack:
            bundle.finish_packet()
            bundle.add(sack)
        if tcb.can_send and (request := transfer.reset.request(now)) is not None:
            bundle.add(request)

    def next_timer(self) -> float | None:
        """Return the time to call `handle_timer` and then `datagrams_to_send`, or None if no timer runs."""
        tcb = self.tcb
        transfer = tcb.transfer
        if transfer is None or not tcb.handshake_complete:
            deadline = self._handshake.timer_at
        else:
            deadline = min(
                transfer.sender.t3_at, transfer.receiver.sack_at, transfer.reset.timer_at, self._shutdown.timer_at
            )
            if tcb.can_send and self.path_mtu.timer_at < deadline:
                deadline = self.path_mtu.timer_at
        return None if deadline == NEVER else deadline

    def handle_timer(self, now: float) -> None:
        """Handle expired timers. SACKs, reset requests and probes that are due are sent by the flush that follows."""
        tcb = self.tcb
        transfer = tcb.transfer
        if self._handshake.timer_at <= now:
            self._handshake.handle_t1(now)
        elif transfer is None or not tcb.handshake_complete:
            return
        elif self._shutdown.timer_at <= now:
            self._shutdown.handle_t2(transfer, now)
        elif transfer.sender.t3_at <= now:
            self._handle_t3(transfer.sender, now)

    def _handle_t3(self, sender: DataSender, now: float) -> None:
        self.tcb.error_count += 1
        if self.tcb.error_count > self._max_retransmits:  # section 8.1
            self._abort(CloseReason.TIMEOUT, encode_cause(Cause.USER_INITIATED_ABORT, b"no answer"))
        else:
            sender.handle_t3(now)

    # Callbacks of the handshake and of the shutdown

    def start_transfer(self, parameters: NegotiatedParameters) -> None:
        """Set up both directions of data transfer."""
        tcb = self.tcb
        receiver = DataReceiver(parameters.peer_initial_tsn, self._channels.deliver)
        if tcb.transfer is None or tcb.handshake_complete:
            sender = DataSender(parameters.local_initial_tsn, self.rto, self.congestion, self._send_queue)
        else:  # the COOKIE ECHO may have carried DATA
            sender = tcb.transfer.sender
        sender.set_peer(parameters.peer_window, partial_reliability=parameters.forward_tsn)
        reset = StreamReset(receiver, sender, self.rto, parameters.local_initial_tsn)
        tcb.transfer = DataTransfer(PacketHeader(parameters.peer_tag), sender, receiver, reset)
        self._channels.start(parameters.outbound_streams, reset, can_reset=parameters.reconfig)

    def established(self) -> None:
        """Open the channels: data may be sent and received."""
        self.tcb.state = State.ESTABLISHED
        self.tcb.error_count = 0
        call(self.on_established)
        self._channels.open_pending()  # not with the next flush: DATA may follow in the same packet

    def restart(self, parameters: NegotiatedParameters) -> None:
        """Start over with a peer that lost its state (section 5.2.4, action A)."""
        self._channels.close_all()
        self.congestion.restart()
        self.start_transfer(parameters)
        self.tcb.state = State.ESTABLISHED
        call(self.on_restart)

    def retransmit_all(self, now: float) -> None:
        """Retransmit the DATA chunks that were bundled with the COOKIE ECHO."""
        if self.tcb.transfer is not None:
            self.tcb.transfer.sender.mark_all_lost(now)

    def close(self, reason: CloseReason) -> None:
        """Close without sending anything but the packets already queued, such as an ABORT."""
        if self._closed:
            return
        self._closed = True
        self.tcb.state = State.CLOSED
        self.tcb.transfer = None
        self.tcb.control_chunks.clear()
        self._handshake.stop()
        self._channels.close_all()
        call(self.on_closed, reason)

    def _abort(self, reason: CloseReason, cause: bytes) -> None:
        if not self._closed:
            if self.tcb.peer_tag:
                self.tcb.send_packet(self.tcb.peer_tag, encode_chunk(ChunkType.ABORT, cause))
            self.close(reason)
            self._request_output()

    def _set_packet_size(self, max_packet_size: int) -> None:
        self._bundle.resize(max_packet_size)
        self.congestion.resize(max_packet_size)

    def _request_output(self) -> None:
        self.on_output()
