"""From a packet to the chunks in it, and to what handles each (RFC 9260 sections 3.2, 6.10 and 8.5)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from .channel import call
from .chunks import ForwardTsn, Init, Sack, encode_cause, iterate_causes, parse_parameters, parse_word
from .constants import FLAG_TAG_REFLECTED, MAX_PACKET_SIZE, Cause, ChunkType
from .packet import PacketError, encode_chunk, iterate_chunks, verify
from .states import CloseReason, State

if TYPE_CHECKING:
    from .association import Association, TransmissionControlBlock

logger = logging.getLogger(__name__)

_DATA = int(ChunkType.DATA)
_MAX_REPORTED = 64
"""Bytes of an unknown chunk that are sent back."""


class Dispatch:
    """Reads packets for an association."""

    __slots__ = ("_association", "_data_handlers", "_handlers")

    def __init__(self, association: Association) -> None:
        self._association = association
        # Body, verification tag, now.
        self._handlers: dict[int, Callable[[bytes, int, float], None]] = {
            ChunkType.INIT: self._receive_init,
            ChunkType.INIT_ACK: self._receive_init_ack,
            ChunkType.ABORT: self._receive_abort,
            ChunkType.ERROR: self._receive_error,
            ChunkType.COOKIE_ECHO: self._receive_cookie_echo,
            ChunkType.COOKIE_ACK: self._receive_cookie_ack,
        }
        # The same for what makes sense only between both handshakes.
        self._data_handlers: dict[int, Callable[[TransmissionControlBlock, bytes, float], None]] = {
            ChunkType.SACK: self._receive_sack,
            ChunkType.HEARTBEAT: self._receive_heartbeat,
            ChunkType.HEARTBEAT_ACK: self._receive_heartbeat_ack,
            ChunkType.PAD: self._ignore,
            ChunkType.SHUTDOWN: self._receive_shutdown,
            ChunkType.SHUTDOWN_ACK: self._receive_shutdown_ack,
            ChunkType.SHUTDOWN_COMPLETE: self._receive_shutdown_complete,
            ChunkType.RE_CONFIG: self._receive_reconfig,
            ChunkType.FORWARD_TSN: self._receive_forward_tsn,
        }

    def receive(self, data: bytes, now: float) -> None:
        """Take one packet.

        Raises:
            PacketError: the packet, or the rest of it, is not for this association.
            ChunkError: the rest of it cannot be read.
            MessageTooLongError: the peer sends a message over our limit.
        """
        tag = verify(data)
        association = self._association
        has_data = False
        try:
            for chunk_type, flags, start, end in iterate_chunks(data):
                if chunk_type != _DATA:
                    self._receive_other(chunk_type, flags, data[start:end], tag, now)
                    continue
                tcb = association.tcb
                if tcb is None or not association.receiving or tag != tcb.local_tag:
                    return
                has_data = True
                tcb.inbound.receive_data(data, flags, start, end)
        finally:
            if has_data:
                self._after_data(now)

    def _after_data(self, now: float) -> None:
        tcb = self._association.tcb
        if tcb is not None:
            tcb.inbound.end_of_packet(now)
            tcb.reset.inbound_advanced()
            if self._association.state is State.SHUTDOWN_SENT:
                self._association.shutdown_sequence.announce(tcb, now)

    def _receive_other(self, chunk_type: int, flags: int, body: bytes, tag: int, now: float) -> None:
        association = self._association
        if not self._tag_fits(chunk_type, flags, tag):
            raise PacketError(f"verification tag {tag:#x} does not fit chunk {chunk_type}")
        if (data_handler := self._data_handlers.get(chunk_type)) is not None:
            if association.tcb is not None and association.is_set_up:
                data_handler(association.tcb, body, now)
        elif (handler := self._handlers.get(chunk_type)) is not None:
            handler(body, tag, now)
        else:
            self._receive_unknown(chunk_type, flags, body)

    def _tag_fits(self, chunk_type: int, flags: int, tag: int) -> bool:
        """Section 8.5.1; the tag of a COOKIE ECHO is compared with the cookie."""
        association = self._association
        if chunk_type == ChunkType.INIT:
            return tag == 0
        if chunk_type in (ChunkType.ABORT, ChunkType.SHUTDOWN_COMPLETE) and flags & FLAG_TAG_REFLECTED:
            return tag == association.peer_tag != 0
        return chunk_type == ChunkType.COOKIE_ECHO or tag == association.local_tag != 0

    def _receive_unknown(self, chunk_type: int, flags: int, body: bytes) -> None:
        """The two highest bits of the type say whether to report it and whether to read on (section 3.2)."""
        if chunk_type & 0x40 and self._association.is_set_up:
            chunk = encode_chunk(chunk_type, body[:_MAX_REPORTED], flags)
            self._association.send_control(encode_chunk(ChunkType.ERROR, encode_cause(Cause.UNRECOGNIZED_CHUNK, chunk)))
        if not chunk_type & 0x80:
            raise PacketError(f"chunk type {chunk_type} is unknown")

    # The handshake

    def _receive_init(self, body: bytes, tag: int, now: float) -> None:
        self._association.establishment.receive_init(Init.parse(body), now)

    def _receive_init_ack(self, body: bytes, tag: int, now: float) -> None:
        self._association.establishment.receive_init_ack(Init.parse(body), now)

    def _receive_cookie_echo(self, body: bytes, tag: int, now: float) -> None:
        self._association.establishment.receive_cookie_echo(body, tag, now)

    def _receive_cookie_ack(self, body: bytes, tag: int, now: float) -> None:
        self._association.establishment.receive_cookie_ack()

    def _receive_error(self, body: bytes, tag: int, now: float) -> None:
        for cause, _ in iterate_causes(body):
            logger.debug("the peer reports error cause %d", cause)
            if cause == Cause.STALE_COOKIE:
                self._association.establishment.stale_cookie(now)

    def _receive_abort(self, body: bytes, tag: int, now: float) -> None:
        self._association.close(CloseReason.ABORTED)

    # An association that is set up

    def _ignore(self, tcb: TransmissionControlBlock, body: bytes, now: float) -> None:
        pass

    def _receive_sack(self, tcb: TransmissionControlBlock, body: bytes, now: float) -> None:
        self._acknowledge(tcb, Sack.parse(body), now)
        if self._association.state is not State.ESTABLISHED:
            self._association.shutdown_sequence.proceed(tcb, now)

    def _acknowledge(self, tcb: TransmissionControlBlock, sack: Sack, now: float) -> None:
        self._association.heard()
        for on_delivered in tcb.outbound.acknowledge(sack, now):
            call(on_delivered)

    def _receive_heartbeat(self, tcb: TransmissionControlBlock, body: bytes, now: float) -> None:
        self._association.send_control(encode_chunk(ChunkType.HEARTBEAT_ACK, body[:MAX_PACKET_SIZE]))

    def _receive_heartbeat_ack(self, tcb: TransmissionControlBlock, body: bytes, now: float) -> None:
        self._association.path_mtu.acknowledged(body, now)

    def _receive_forward_tsn(self, tcb: TransmissionControlBlock, body: bytes, now: float) -> None:
        if self._association.receiving:
            tcb.inbound.receive_forward_tsn(ForwardTsn.parse(body), now)
            tcb.reset.inbound_advanced()

    def _receive_reconfig(self, tcb: TransmissionControlBlock, body: bytes, now: float) -> None:
        if self._association.receiving:
            answer = tcb.reset.receive(parse_parameters(body))
            if answer is not None:
                self._association.send_control(answer)

    def _receive_shutdown(self, tcb: TransmissionControlBlock, body: bytes, now: float) -> None:
        self._acknowledge(tcb, tcb.outbound.sack_of(parse_word(body)), now)
        self._association.shutdown_sequence.receive_shutdown(tcb, now)

    def _receive_shutdown_ack(self, tcb: TransmissionControlBlock, body: bytes, now: float) -> None:
        self._association.shutdown_sequence.receive_shutdown_ack()

    def _receive_shutdown_complete(self, tcb: TransmissionControlBlock, body: bytes, now: float) -> None:
        self._association.shutdown_sequence.receive_shutdown_complete()
