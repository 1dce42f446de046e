"""Dispatch of received packets: verification, and a handler for each chunk (RFC 9260 sections 3.2, 6.10 and 8.5)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from .channel import call
from .chunks import ForwardTsn, Init, Sack, encode_cause, iterate_causes, parse_parameters, parse_shutdown
from .constants import FLAG_TAG_REFLECTED, MAX_PACKET_SIZE, Cause, ChunkType
from .handshake import Handshake
from .packet import PacketError, encode_chunk, iterate_chunks, verify
from .path_mtu import PathMtu
from .shutdown import Shutdown
from .states import CloseReason, State
from .tcb import DataTransfer, TransmissionControlBlock

logger = logging.getLogger(__name__)

_DATA = int(ChunkType.DATA)
_MAX_REPORTED = 64
"""Bytes of an unrecognized chunk that are returned in an ERROR."""


class ChunkDispatcher:
    """Reads packets and passes each chunk to its handler."""

    __slots__ = ("_close", "_handlers", "_handshake", "_path_mtu", "_shutdown", "_tcb", "_transfer_handlers")

    def __init__(
        self,
        tcb: TransmissionControlBlock,
        handshake: Handshake,
        shutdown: Shutdown,
        path_mtu: PathMtu,
        close: Callable[[CloseReason], None],
    ) -> None:
        self._tcb = tcb
        self._handshake = handshake
        self._shutdown = shutdown
        self._path_mtu = path_mtu
        self._close = close
        # Called with body, verification tag and time.
        self._handlers: dict[int, Callable[[bytes, int, float], None]] = {
            ChunkType.INIT: self._receive_init,
            ChunkType.INIT_ACK: self._receive_init_ack,
            ChunkType.ABORT: self._receive_abort,
            ChunkType.ERROR: self._receive_error,
            ChunkType.COOKIE_ECHO: self._receive_cookie_echo,
            ChunkType.COOKIE_ACK: self._receive_cookie_ack,
        }
        # Valid only after the handshake.
        self._transfer_handlers: dict[int, Callable[[DataTransfer, bytes, float], None]] = {
            ChunkType.SACK: self._receive_sack,
            ChunkType.HEARTBEAT: self._receive_heartbeat,
            ChunkType.HEARTBEAT_ACK: self._receive_heartbeat_ack,
            ChunkType.PAD: self._receive_pad,
            ChunkType.SHUTDOWN: self._receive_shutdown,
            ChunkType.SHUTDOWN_ACK: self._receive_shutdown_ack,
            ChunkType.SHUTDOWN_COMPLETE: self._receive_shutdown_complete,
            ChunkType.RE_CONFIG: self._receive_reconfig,
            ChunkType.FORWARD_TSN: self._receive_forward_tsn,
        }

    def receive(self, data: bytes, now: float) -> None:
        """Process one packet.

        Raises:
            PacketError: The packet, or the rest of it, is not for this association.
            ChunkError: The rest of the packet is malformed.
            MessageTooLongError: The peer sends a message over our limit.
        """
        tag = verify(data)
        tcb = self._tcb
        has_data = False
        try:
            for chunk_type, flags, start, end in iterate_chunks(data):
                if chunk_type != _DATA:
                    self._receive_control(chunk_type, flags, data[start:end], tag, now)
                    continue
                transfer = tcb.transfer
                if transfer is None or not tcb.can_receive or tag != tcb.local_tag:
                    return
                has_data = True
                transfer.receiver.receive_data(data, flags, start, end)
        finally:
            if has_data:
                self._after_data(now)

    def _after_data(self, now: float) -> None:
        transfer = self._tcb.transfer
        if transfer is not None:
            transfer.receiver.schedule_sack(now)
            transfer.reset.perform_deferred()
            if self._tcb.state is State.SHUTDOWN_SENT:
                self._shutdown.send_shutdown(transfer, now)

    def _receive_control(self, chunk_type: int, flags: int, body: bytes, tag: int, now: float) -> None:
        tcb = self._tcb
        if not self._is_tag_valid(chunk_type, flags, tag):
            raise PacketError(f"verification tag {tag:#x} is not valid for chunk type {chunk_type}")
        if (transfer_handler := self._transfer_handlers.get(chunk_type)) is not None:
            if tcb.transfer is not None and tcb.handshake_complete:
                transfer_handler(tcb.transfer, body, now)
        elif (handler := self._handlers.get(chunk_type)) is not None:
            handler(body, tag, now)
        else:
            self._receive_unrecognized(chunk_type, flags, body)

    def _is_tag_valid(self, chunk_type: int, flags: int, tag: int) -> bool:
        """Apply section 8.5.1. The tag of a COOKIE ECHO is compared with the cookie by the handshake."""
        tcb = self._tcb
        if chunk_type == ChunkType.INIT:
            return tag == 0
        if chunk_type in (ChunkType.ABORT, ChunkType.SHUTDOWN_COMPLETE) and flags & FLAG_TAG_REFLECTED:
            return tag == tcb.peer_tag != 0
        return chunk_type == ChunkType.COOKIE_ECHO or tag == tcb.local_tag != 0

    def _receive_unrecognized(self, chunk_type: int, flags: int, body: bytes) -> None:
        """Report or skip the chunk, or stop, as the two highest bits of its type require (section 3.2)."""
        if chunk_type & 0x40 and self._tcb.handshake_complete:
            chunk = encode_chunk(chunk_type, body[:_MAX_REPORTED], flags)
            self._tcb.send_control(encode_chunk(ChunkType.ERROR, encode_cause(Cause.UNRECOGNIZED_CHUNK, chunk)))
        if not chunk_type & 0x80:
            raise PacketError(f"chunk type {chunk_type} is not recognized")

    # Handshake

    def _receive_init(self, body: bytes, tag: int, now: float) -> None:
        self._handshake.receive_init(Init.parse(body), now)

    def _receive_init_ack(self, body: bytes, tag: int, now: float) -> None:
        self._handshake.receive_init_ack(Init.parse(body), now)

    def _receive_cookie_echo(self, body: bytes, tag: int, now: float) -> None:
        self._handshake.receive_cookie_echo(body, tag, now)

    def _receive_cookie_ack(self, body: bytes, tag: int, now: float) -> None:
        self._handshake.receive_cookie_ack()

    def _receive_error(self, body: bytes, tag: int, now: float) -> None:
        for cause, _ in iterate_causes(body):
            logger.debug("the peer reports error cause %d", cause)
            if cause == Cause.STALE_COOKIE:
                self._handshake.receive_stale_cookie(now)

    def _receive_abort(self, body: bytes, tag: int, now: float) -> None:
        self._close(CloseReason.ABORTED)

    # Data transfer and shutdown

    def _receive_sack(self, transfer: DataTransfer, body: bytes, now: float) -> None:
        self._acknowledge(transfer, Sack.parse(body), now)
        if self._tcb.state is not State.ESTABLISHED:
            self._shutdown.proceed(transfer, now)

    def _acknowledge(self, transfer: DataTransfer, sack: Sack, now: float) -> None:
        self._tcb.error_count = 0  # section 8.1
        for on_delivered in transfer.sender.acknowledge(sack, now):
            call(on_delivered)

    def _receive_heartbeat(self, transfer: DataTransfer, body: bytes, now: float) -> None:
        self._tcb.send_control(encode_chunk(ChunkType.HEARTBEAT_ACK, body[:MAX_PACKET_SIZE]))

    def _receive_heartbeat_ack(self, transfer: DataTransfer, body: bytes, now: float) -> None:
        self._path_mtu.receive_heartbeat_ack(body, now)

    def _receive_pad(self, transfer: DataTransfer, body: bytes, now: float) -> None:
        """Ignore padding (RFC 4820 section 3)."""

    def _receive_forward_tsn(self, transfer: DataTransfer, body: bytes, now: float) -> None:
        if self._tcb.can_receive:
            transfer.receiver.receive_forward_tsn(ForwardTsn.parse(body), now)
            transfer.reset.perform_deferred()

    def _receive_reconfig(self, transfer: DataTransfer, body: bytes, now: float) -> None:
        if self._tcb.can_receive:
            answer = transfer.reset.receive(parse_parameters(body))
            if answer is not None:
                self._tcb.send_control(answer)

    def _receive_shutdown(self, transfer: DataTransfer, body: bytes, now: float) -> None:
        self._acknowledge(transfer, transfer.sender.sack_from_shutdown(parse_shutdown(body)), now)
        self._shutdown.receive_shutdown(transfer, now)

    def _receive_shutdown_ack(self, transfer: DataTransfer, body: bytes, now: float) -> None:
        self._shutdown.receive_shutdown_ack()

    def _receive_shutdown_complete(self, transfer: DataTransfer, body: bytes, now: float) -> None:
        self._shutdown.receive_shutdown_complete()
