"""Reliable packets across a resume: numbered, kept for sending again, and told apart from their copies. No I/O.

A sender numbers its reliable packets; the server forwards the number and drops what does not increase. After a resume
the server says which number it had last, and we say which we had last from whom.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

__all__ = [
    "MAX_RECEIVE_STATES",
    "NUMBER_SIZE",
    "RECEIVE_STATE_TTL",
    "RESEND_BUFFER_SIZE",
    "ReceiveLog",
    "ResendBuffer",
    "SentPacket",
    "numbered",
]

NUMBER_SIZE = 7
"""Bytes that a number adds to a packet at most."""
RESEND_BUFFER_SIZE = 128 * 1024
"""Bytes of sent packets that are kept: twice what the outbox lets into the channel, and a little."""
RECEIVE_STATE_TTL = 180.0
"""Seconds for which a silent sender's last number is kept: longer than a connection is away as a rule."""
MAX_RECEIVE_STATES = 4096
"""Senders whose last number is kept; over it the silent ones are looked for and forgotten."""

_SEQUENCE_TAG = b"\x80\x01"  # DataPacket.sequence: field 16, varint


def numbered(packet: bytes, sequence: int) -> bytes:
    """A serialised DataPacket with its sequence number.

    Protobuf fields may come in any order, so the number is put behind what was serialised before its turn came."""
    tail = bytearray(_SEQUENCE_TAG)
    while sequence > 0x7F:
        tail.append(sequence & 0x7F | 0x80)
        sequence >>= 7
    tail.append(sequence)
    return packet + tail


class SentPacket:
    """A packet that has its number."""

    __slots__ = ("_on_delivered", "data", "is_confirmed", "sequence")

    def __init__(self, sequence: int, data: bytes, on_delivered: Callable[[], None] | None) -> None:
        self.sequence = sequence
        self.data = data
        self.is_confirmed = False
        self._on_delivered = on_delivered

    def anew(self) -> SentPacket:
        """The same packet in place of this one, which tells nobody any more."""
        on_delivered, self._on_delivered = self._on_delivered, None
        return SentPacket(self.sequence, self.data, on_delivered)

    def tell(self, on_delivered: Callable[[], None]) -> None:
        """Tell one more when it is confirmed."""
        before = self._on_delivered

        def both() -> None:
            if before is not None:
                before()
            on_delivered()

        self._on_delivered = both

    def confirm(self) -> None:
        """The transport confirmed it; sent twice, it may be confirmed twice."""
        self.is_confirmed = True
        on_delivered, self._on_delivered = self._on_delivered, None
        if on_delivered is not None:
            on_delivered()


class ResendBuffer:
    """Numbers packets and keeps what is not confirmed, of which a transport takes only so much, and the newest of what
    is. The numbers go on through every reconnect."""

    def __init__(self, size: int = RESEND_BUFFER_SIZE) -> None:
        self._size = size
        self._kept: deque[SentPacket] = deque()
        self._bytes = 0
        self._last = 0

    @property
    def last_sequence(self) -> int:
        return self._last

    @property
    def newest(self) -> SentPacket | None:
        """The last that was numbered: once it is confirmed so are all."""
        return self._kept[-1] if self._kept else None

    def number(self, packet: bytes, on_delivered: Callable[[], None] | None = None) -> SentPacket:
        """Give a serialised packet its number and keep it."""
        self._last += 1
        sent = SentPacket(self._last, numbered(packet, self._last), on_delivered)
        self._kept.append(sent)
        self._bytes += len(sent.data)
        while self._bytes > self._size and self._kept[0].is_confirmed:
            self._bytes -= len(self._kept.popleft().data)
        return sent

    def take_back(self) -> None:
        """The last packet was not handed over; its number goes to the next."""
        self._last -= 1
        if self._kept:
            self._bytes -= len(self._kept.pop().data)

    def confirmed_after(self, sequence: int) -> list[SentPacket]:
        """What the server lacks that had `sequence` last, although its transport confirmed it: for a resume."""
        return [sent for sent in self._kept if sent.sequence > sequence and sent.is_confirmed]

    def disown(self) -> None:
        """The old transport's confirmations count no more: a server that has us anew already drops what comes by it."""
        self._kept = deque(sent if sent.is_confirmed else sent.anew() for sent in self._kept)

    def unconfirmed(self) -> list[SentPacket]:
        """What no transport has confirmed: for a new connection, when nobody knows what arrived."""
        return [sent for sent in self._kept if not sent.is_confirmed]


class ReceiveLog:
    """The last number from each sender, by participant sid."""

    def __init__(self) -> None:
        self._states: dict[str, tuple[int, float]] = {}

    def accept(self, sid: str, sequence: int, now: float) -> bool:
        """Whether a packet is new. Those without a number, or without a sender, always are."""
        if not sequence or not sid:
            return True
        state = self._states.get(sid)
        if state is not None and sequence <= state[0]:
            return False
        if state is None and len(self._states) >= MAX_RECEIVE_STATES:
            self._forget(now)
        self._states[sid] = sequence, now
        return True

    def states(self, now: float) -> Mapping[str, int]:
        """The last number by sender, for a resume."""
        self._forget(now)
        return {sid: sequence for sid, (sequence, _) in self._states.items()}

    def _forget(self, now: float) -> None:
        self._states = {sid: state for sid, state in self._states.items() if now - state[1] < RECEIVE_STATE_TTL}
