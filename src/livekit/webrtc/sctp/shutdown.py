"""Graceful shutdown of an association (RFC 9260 section 9.2)."""

from __future__ import annotations

from collections.abc import Callable

from .chunks import encode_shutdown
from .constants import MAX_SHUTDOWN_RETRANSMITS, NEVER, TSN_MASK, ChunkType
from .packet import encode_chunk
from .states import CloseReason, State
from .tcb import DataTransfer, TransmissionControlBlock


class Shutdown:
    """The three-way shutdown, from either side."""

    __slots__ = ("_close", "_retransmits", "_tcb", "timer_at")

    def __init__(self, tcb: TransmissionControlBlock, close: Callable[[CloseReason], None]) -> None:
        self._tcb = tcb
        self._close = close
        self._retransmits = 0
        self.timer_at = NEVER
        """Expiry of T2-shutdown."""

    def start(self, transfer: DataTransfer, now: float) -> None:
        """Shut down as soon as all data is acknowledged."""
        self._tcb.state = State.SHUTDOWN_PENDING
        self.proceed(transfer, now)

    def proceed(self, transfer: DataTransfer, now: float) -> None:
        """Send SHUTDOWN or SHUTDOWN ACK if all data is acknowledged."""
        tcb = self._tcb
        if not transfer.sender.is_idle:
            return
        if tcb.state is State.SHUTDOWN_PENDING:
            tcb.state = State.SHUTDOWN_SENT
            self.send_shutdown(transfer, now)
        elif tcb.state is State.SHUTDOWN_RECEIVED:
            tcb.state = State.SHUTDOWN_ACK_SENT
            self.send_shutdown(transfer, now)

    def send_shutdown(self, transfer: DataTransfer, now: float) -> None:
        """Send SHUTDOWN or, in SHUTDOWN-ACK-SENT, SHUTDOWN ACK, and restart T2-shutdown."""
        tcb = self._tcb
        self.timer_at = now + tcb.rto.value
        if tcb.state is State.SHUTDOWN_SENT:
            tcb.send_control(encode_shutdown(transfer.receiver.cumulative_tsn & TSN_MASK))
        else:
            tcb.send_control(encode_chunk(ChunkType.SHUTDOWN_ACK))

    def handle_t2(self, transfer: DataTransfer, now: float) -> None:
        """Retransmit on expiry of T2-shutdown; close after `MAX_SHUTDOWN_RETRANSMITS`."""
        self._retransmits += 1
        if self._retransmits > MAX_SHUTDOWN_RETRANSMITS:
            self._close(CloseReason.TIMEOUT)
            return
        self._tcb.rto.back_off()
        self.send_shutdown(transfer, now)

    def receive_shutdown(self, transfer: DataTransfer, now: float) -> None:
        tcb = self._tcb
        if tcb.state in (State.ESTABLISHED, State.SHUTDOWN_PENDING):
            tcb.state = State.SHUTDOWN_RECEIVED
            self.proceed(transfer, now)
        elif tcb.state is State.SHUTDOWN_SENT:  # both sides shut down at once
            tcb.state = State.SHUTDOWN_ACK_SENT
            self.send_shutdown(transfer, now)

    def receive_shutdown_ack(self) -> None:
        tcb = self._tcb
        if tcb.state in (State.SHUTDOWN_SENT, State.SHUTDOWN_ACK_SENT):
            tcb.send_packet(tcb.peer_tag, encode_chunk(ChunkType.SHUTDOWN_COMPLETE))
            self._close(CloseReason.SHUTDOWN)

    def receive_shutdown_complete(self) -> None:
        if self._tcb.state is State.SHUTDOWN_ACK_SENT:
            self._close(CloseReason.SHUTDOWN)
