"""Sequence numbers of reliable packets: retransmission after a resume, and deduplication of received ones. No I/O.

A sender numbers its reliable packets; the server forwards the number and drops packets whose number does not increase.
On a resume both sides report the last number they received, and the other side retransmits later packets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

__all__ = [
    "MAX_RECEIVE_STATES",
    "MAX_SEQUENCE_SIZE",
    "RECEIVE_STATE_TTL",
    "RESEND_BUFFER_SIZE",
    "ReceiveStates",
    "ResendBuffer",
    "SentPacket",
    "append_sequence",
]

MAX_SEQUENCE_SIZE = 7
"""Largest number of bytes that a sequence number adds to a packet."""
RESEND_BUFFER_SIZE = 128 * 1024
"""Bytes of sent packets that are kept: a little more than twice what the packet queue buffers in the channel."""
RECEIVE_STATE_TTL = 180.0
"""Seconds for which an inactive sender's last number is kept: longer than most connection losses."""
MAX_RECEIVE_STATES = 4096
"""Senders whose last number is kept; beyond it, inactive ones are evicted."""

_SEQUENCE_TAG = b"\x80\x01"  # DataPacket.sequence: field 16, varint
_BYTES = [bytes((byte,)) for byte in range(256)]


def append_sequence(packet: bytes, sequence: int) -> bytes:
    """Return a serialized DataPacket with its sequence number.

    Protobuf fields may be in any order, so the number is appended to a packet that was serialized before it was known.
    """
    field = _SEQUENCE_TAG
    while sequence > 0x7F:
        field += _BYTES[sequence & 0x7F | 0x80]
        sequence >>= 7
    return packet + field + _BYTES[sequence]


class SentPacket:
    """A numbered packet, kept until it is acknowledged and beyond."""

    __slots__ = ("_on_delivered", "acknowledged", "data", "sequence")

    def __init__(self, sequence: int, data: bytes, on_delivered: Callable[[], None] | None) -> None:
        self.sequence = sequence
        self.data = data
        self.acknowledged = False
        self._on_delivered = on_delivered

    def reissue(self) -> SentPacket:
        """Return a copy that takes over the callbacks; acknowledging the original has no effect on it."""
        on_delivered, self._on_delivered = self._on_delivered, None
        return SentPacket(self.sequence, self.data, on_delivered)

    def add_callback(self, on_delivered: Callable[[], None]) -> None:
        """Also call `on_delivered` when the packet is acknowledged."""
        before = self._on_delivered

        def both() -> None:
            if before is not None:
                before()
            on_delivered()

        self._on_delivered = both

    def acknowledge(self) -> None:
        """Mark as received by the peer's transport. Idempotent: a retransmitted packet may be acknowledged twice."""
        self.acknowledged = True
        on_delivered, self._on_delivered = self._on_delivered, None
        if on_delivered is not None:
            on_delivered()


class ResendBuffer:
    """Numbers packets; keeps all unacknowledged ones, which the transport bounds, and the newest acknowledged ones.

    The numbers continue through every reconnect."""

    def __init__(self, size: int = RESEND_BUFFER_SIZE) -> None:
        self._size = size
        self._packets: deque[SentPacket] = deque()
        self._bytes = 0
        self._last_sequence = 0

    @property
    def newest(self) -> SentPacket | None:
        """The packet numbered last; once it is acknowledged, all are."""
        return self._packets[-1] if self._packets else None

    def append(self, packet: bytes, on_delivered: Callable[[], None] | None = None) -> SentPacket:
        """Number and keep a serialized packet."""
        sequence = self._last_sequence = self._last_sequence + 1
        data = append_sequence(packet, sequence)
        sent = SentPacket(sequence, data, on_delivered)
        self._packets.append(sent)
        self._bytes += len(data)
        while self._bytes > self._size and self._packets[0].acknowledged:
            self._bytes -= len(self._packets.popleft().data)
        return sent

    def undo_append(self) -> None:
        """Remove the last packet, which was not sent; the next one gets its number."""
        self._last_sequence -= 1
        if self._packets:
            self._bytes -= len(self._packets.pop().data)

    def acknowledged_after(self, sequence: int) -> list[SentPacket]:
        """Return the packets after `sequence`, the last one the server has, that its transport has
        nevertheless acknowledged: they are retransmitted on a resume."""
        return [sent for sent in self._packets if sent.sequence > sequence and sent.acknowledged]

    def ignore_acknowledgements(self) -> None:
        """Ignore later acknowledgements of the packets sent so far: a server that has already admitted our next session
        drops packets of the old transport."""
        self._packets = deque(sent if sent.acknowledged else sent.reissue() for sent in self._packets)

    def unacknowledged(self) -> list[SentPacket]:
        """Return the packets no transport has acknowledged: a new connection retransmits them, as they may not have
        arrived."""
        return [sent for sent in self._packets if not sent.acknowledged]


class ReceiveStates:
    """The last sequence number received from each sender, by participant sid."""

    def __init__(self) -> None:
        self._states: dict[str, tuple[int, float]] = {}

    def accept(self, sid: str, sequence: int, now: float) -> bool:
        """Return True if a packet is not a duplicate. Packets without a number or a sender are always accepted."""
        if not sequence or not sid:
            return True
        state = self._states.get(sid)
        if state is not None and sequence <= state[0]:
            return False
        if state is None and len(self._states) >= MAX_RECEIVE_STATES:
            self._evict(now)
        self._states[sid] = sequence, now
        return True

    def last_sequences(self, now: float) -> Mapping[str, int]:
        """Return the last number by sender, which a resume reports to the server."""
        self._evict(now)
        return {sid: sequence for sid, (sequence, _) in self._states.items()}

    def _evict(self, now: float) -> None:
        self._states = {sid: state for sid, state in self._states.items() if now - state[1] < RECEIVE_STATE_TTL}
