"""Stream reset, which closes data channels (RFC 6525; RFC 8831 section 6.7)."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from struct import Struct

from livekit.webrtc.serial_number import unwrap_32

from .chunks import Parameters, encode_parameter
from .constants import NEVER, TSN_MASK, ChunkType, Parameter
from .data_receiver import DataReceiver
from .data_sender import DataSender
from .packet import ChunkError, encode_chunk
from .rto import RetransmissionTimeout

_OUTGOING = Struct("!LLL")
_RESPONSE = Struct("!LL")
_SEQUENCE = Struct("!L")

MAX_STREAMS_PER_REQUEST = 256
MAX_DEFERRED = 16
"""Requests of the peer deferred until their data arrives; further ones are left unanswered, to be retransmitted."""


class Result(enum.IntEnum):
    """Result of a request (section 4.4)."""

    NOTHING_TO_DO = 0
    PERFORMED = 1
    DENIED = 2
    WRONG_SSN = 3
    ALREADY_IN_PROGRESS = 4
    BAD_SEQUENCE = 5
    IN_PROGRESS = 6


class StreamReset:
    """Sends reset requests, one at a time, and answers those of the peer."""

    __slots__ = (
        "_deferred",
        "_peer_sequence",
        "_receiver",
        "_request",
        "_requested",
        "_rto",
        "_sender",
        "_sequence",
        "on_incoming_reset",
        "on_outgoing_reset",
        "pending",
        "timer_at",
    )

    def __init__(
        self, receiver: DataReceiver, sender: DataSender, rto: RetransmissionTimeout, local_initial_tsn: int
    ) -> None:
        self._receiver = receiver
        self._sender = sender
        self._rto = rto
        # Request sequence numbers start at the initial TSNs (section 4.1).
        self._sequence = local_initial_tsn
        self._peer_sequence = receiver.cumulative_tsn + 1
        self._deferred: dict[int, tuple[int, tuple[int, ...]]] = {}  # by request sequence number: last TSN and streams
        self._request: bytes | None = None
        self._requested: tuple[int, ...] = ()
        self.pending: list[int] = []
        """Outgoing streams to reset with the next request."""
        self.timer_at = NEVER
        self.on_incoming_reset: Callable[[Sequence[int]], None] = lambda streams: None
        self.on_outgoing_reset: Callable[[Sequence[int], bool], None] = lambda streams, performed: None

    # Outgoing streams

    def reset(self, stream: int) -> None:
        """Reset an outgoing stream whose data has all been sent."""
        self.pending.append(stream)

    def request(self, now: float) -> bytes | None:
        """Return the RE-CONFIG chunk to send now, if any (section 5.1.2)."""
        if self._request is None and self.pending:
            self._requested = tuple(self.pending[:MAX_STREAMS_PER_REQUEST])
            del self.pending[:MAX_STREAMS_PER_REQUEST]
            last_tsn = (self._sender.outstanding.next_tsn - 1) & TSN_MASK
            fixed = _OUTGOING.pack(self._sequence, (self._peer_sequence - 1) & TSN_MASK, last_tsn)
            streams = b"".join(stream.to_bytes(2, "big") for stream in self._requested)
            parameter = encode_parameter(Parameter.OUTGOING_RESET_REQUEST, fixed + streams)
            self._request = encode_chunk(ChunkType.RE_CONFIG, parameter)
            self.timer_at = now
        if self._request is None or now < self.timer_at:
            return None
        self.timer_at = now + self._rto.value
        return self._request

    def _receive_response(self, value: bytes) -> None:
        if len(value) < _RESPONSE.size:
            raise ChunkError(f"Re-configuration Response of {len(value)} bytes")
        sequence, result = _RESPONSE.unpack_from(value)
        if self._request is None or sequence != self._sequence or result == Result.IN_PROGRESS:
            return  # in progress: the timer retransmits the request
        self._sequence = (self._sequence + 1) & TSN_MASK
        self._request = None
        self.timer_at = NEVER
        streams, self._requested = self._requested, ()
        self.on_outgoing_reset(streams, result in (Result.NOTHING_TO_DO, Result.PERFORMED))

    # Incoming streams

    def receive(self, parameters: Parameters) -> bytes | None:
        """Process the parameters of a RE-CONFIG chunk; return the chunk to answer with.

        Raises:
            ChunkError: A parameter is malformed.
        """
        answers: list[bytes] = []
        for kind, value in parameters:
            if kind == Parameter.RECONFIG_RESPONSE:
                self._receive_response(value)
                continue
            if len(value) < _SEQUENCE.size:
                raise ChunkError(f"re-configuration request of {len(value)} bytes")
            (sequence,) = _SEQUENCE.unpack_from(value)
            result = self._answer(kind, sequence, value)
            if result is not None:
                answers.append(encode_parameter(Parameter.RECONFIG_RESPONSE, _RESPONSE.pack(sequence, result)))
        return encode_chunk(ChunkType.RE_CONFIG, b"".join(answers)) if answers else None

    def _answer(self, kind: int, wire_sequence: int, value: bytes) -> Result | None:
        """Return the result of a request; None to leave it unanswered, so that the peer retransmits it."""
        sequence = unwrap_32(wire_sequence, self._peer_sequence)
        if sequence > self._peer_sequence or len(self._deferred) >= MAX_DEFERRED:
            return None
        if sequence == self._peer_sequence:
            if kind == Parameter.OUTGOING_RESET_REQUEST:
                self._outgoing_reset(sequence, value)
            self._peer_sequence += 1
        if kind != Parameter.OUTGOING_RESET_REQUEST:
            return Result.DENIED
        return Result.IN_PROGRESS if sequence in self._deferred else Result.PERFORMED

    def _outgoing_reset(self, sequence: int, value: bytes) -> None:
        """Process an Outgoing SSN Reset Request, which resets our incoming streams (section 5.2.2)."""
        if len(value) < _OUTGOING.size or len(value) % 2:
            raise ChunkError(f"Outgoing SSN Reset Request of {len(value)} bytes")
        last_tsn = unwrap_32(_OUTGOING.unpack_from(value)[2], self._receiver.cumulative_tsn)
        streams = tuple(int.from_bytes(value[i : i + 2], "big") for i in range(_OUTGOING.size, len(value), 2))
        self._deferred[sequence] = last_tsn, streams
        self.perform_deferred()

    def perform_deferred(self) -> None:
        """Perform the resets whose last TSN has arrived (section 5.2.2, rule E2)."""
        if not self._deferred:
            return
        for sequence, (last_tsn, streams) in list(self._deferred.items()):
            if self._receiver.cumulative_tsn >= last_tsn:
                del self._deferred[sequence]
                self._receiver.reassembly.reset_streams(streams)
                self.on_incoming_reset(streams)
