"""Ending an association in order (RFC 9260 section 9.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .chunks import encode_shutdown
from .constants import MAX_SHUTDOWN_RETRANSMITS, NEVER, ChunkType
from .packet import encode_chunk
from .serial import TSN_MASK
from .states import CloseReason, State

if TYPE_CHECKING:
    from .association import Association, TransmissionControlBlock


class Shutdown:
    """The three-way shutdown from both sides."""

    __slots__ = ("_association", "_attempts", "timer_at")

    def __init__(self, association: Association) -> None:
        self._association = association
        self._attempts = 0
        self.timer_at = NEVER
        """T2-shutdown."""

    def begin(self, tcb: TransmissionControlBlock, now: float) -> None:
        """The application wants to end; what waits is sent first."""
        self._association.state = State.SHUTDOWN_PENDING
        self.proceed(tcb, now)

    def proceed(self, tcb: TransmissionControlBlock, now: float) -> None:
        """Once all is acknowledged, say so."""
        if not tcb.outbound.is_idle:
            return
        association = self._association
        if association.state is State.SHUTDOWN_PENDING:
            association.state = State.SHUTDOWN_SENT
            self.announce(tcb, now)
        elif association.state is State.SHUTDOWN_RECEIVED:
            association.state = State.SHUTDOWN_ACK_SENT
            self.announce(tcb, now)

    def announce(self, tcb: TransmissionControlBlock, now: float) -> None:
        """Send SHUTDOWN or SHUTDOWN ACK, whichever is ours to send."""
        association = self._association
        self.timer_at = now + association.rto.value
        if association.state is State.SHUTDOWN_SENT:
            association.send_control(encode_shutdown(tcb.inbound.cumulative_tsn & TSN_MASK))
        else:
            association.send_control(encode_chunk(ChunkType.SHUTDOWN_ACK))

    def on_timer(self, tcb: TransmissionControlBlock, now: float) -> None:
        """T2 expired."""
        self._attempts += 1
        if self._attempts > MAX_SHUTDOWN_RETRANSMITS:
            self._association.close(CloseReason.TIMEOUT)
            return
        self._association.rto.back_off()
        self.announce(tcb, now)

    def receive_shutdown(self, tcb: TransmissionControlBlock, now: float) -> None:
        association = self._association
        if association.state in (State.ESTABLISHED, State.SHUTDOWN_PENDING):
            association.state = State.SHUTDOWN_RECEIVED
            self.proceed(tcb, now)
        elif association.state is State.SHUTDOWN_SENT:  # both at once
            association.state = State.SHUTDOWN_ACK_SENT
            self.announce(tcb, now)

    def receive_shutdown_ack(self) -> None:
        association = self._association
        if association.state in (State.SHUTDOWN_SENT, State.SHUTDOWN_ACK_SENT):
            association.send_apart(association.peer_tag, encode_chunk(ChunkType.SHUTDOWN_COMPLETE))
            association.close(CloseReason.SHUTDOWN)

    def receive_shutdown_complete(self) -> None:
        if self._association.state is State.SHUTDOWN_ACK_SENT:
            self._association.close(CloseReason.SHUTDOWN)
