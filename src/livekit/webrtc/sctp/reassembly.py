"""Reassembly of messages from DATA chunks, and ordering within streams (RFC 9260 sections 6.5, 6.6 and 6.9).

Fragments of one message have consecutive TSNs, so they are kept as runs that grow at both ends. A message is delivered
once it is complete and, if ordered, all earlier messages of its stream are delivered: a missing TSN blocks its own
stream only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .constants import CHUNK_OVERHEAD, FLAG_BEGIN, FLAG_END, FLAG_UNORDERED, MAX_MESSAGE_SIZE

Deliver = Callable[[int, int, bytes], None]
"""Called with stream identifier, payload protocol identifier and message."""

_WHOLE = FLAG_BEGIN | FLAG_END
_SSN_MASK = 0xFFFF
_SSN_HALF = 0x8000


class MessageTooLongError(Exception):
    """The peer sends a message over `MAX_MESSAGE_SIZE`."""


class _FragmentRun:
    """Fragments of one message with consecutive TSNs."""

    __slots__ = ("first", "flags", "last", "pieces", "ppid", "size", "ssn", "stream")

    def __init__(self, tsn: int, flags: int, stream: int, ssn: int, ppid: int, payload: bytes) -> None:
        self.first = self.last = tsn
        self.flags = flags
        self.stream = stream
        self.ssn = ssn
        self.ppid = ppid
        self.pieces = [payload]
        self.size = len(payload)

    def append(self, flags: int, payload: bytes) -> None:
        """Append the next fragment."""
        self.last += 1
        self.flags |= flags
        self.pieces.append(payload)
        self.size += len(payload)

    def extend(self, other: _FragmentRun) -> None:
        """Append the adjacent run."""
        self.last = other.last
        self.flags |= other.flags
        self.pieces += other.pieces
        self.size += other.size

    @property
    def buffered_size(self) -> int:
        """Bytes counted against the receive buffer."""
        return self.size + CHUNK_OVERHEAD * len(self.pieces)


class Reassembly:
    """Reassembles fragments, restores the order within streams and delivers complete messages."""

    __slots__ = ("_by_first", "_by_last", "_deliver", "_next_ssn", "_waiting", "buffered")

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._by_first: dict[int, _FragmentRun] = {}
        self._by_last: dict[int, _FragmentRun] = {}
        self._next_ssn: dict[int, int] = {}
        self._waiting: dict[int, dict[int, tuple[int, bytes]]] = {}
        self.buffered = 0
        """Bytes held back, plus `CHUNK_OVERHEAD` for each chunk or message."""

    def add(self, tsn: int, flags: int, stream: int, ssn: int, ppid: int, payload: bytes) -> None:
        """Add a chunk whose TSN is not a duplicate.

        Raises:
            MessageTooLongError: Its message is over `MAX_MESSAGE_SIZE`.
        """
        if self._by_last and flags & FLAG_BEGIN:
            self._discard_unfinished(tsn - 1)
        if flags & _WHOLE != _WHOLE:
            self._add_fragment(tsn, flags, stream, ssn, ppid, payload)
        elif flags & FLAG_UNORDERED:
            self._deliver(stream, ppid, payload)
        else:
            self._add_ordered(stream, ssn, ppid, payload)

    def _add_fragment(self, tsn: int, flags: int, stream: int, ssn: int, ppid: int, payload: bytes) -> None:
        self.buffered += len(payload) + CHUNK_OVERHEAD
        run = None if flags & FLAG_BEGIN else self._by_last.pop(tsn - 1, None)
        if run is None:
            run = _FragmentRun(tsn, flags, stream, ssn, ppid, payload)
            self._by_first[tsn] = run
        else:
            run.append(flags, payload)
        after = None if flags & FLAG_END else self._by_first.get(tsn + 1)
        if after is not None and not after.flags & FLAG_BEGIN:
            del self._by_first[after.first]
            run.extend(after)
        self._by_last[run.last] = run
        if run.size > MAX_MESSAGE_SIZE:
            raise MessageTooLongError(f"message on stream {run.stream} is over {MAX_MESSAGE_SIZE} bytes")
        if run.flags & _WHOLE == _WHOLE:
            self._complete(run)

    def _complete(self, run: _FragmentRun) -> None:
        self._discard(run)
        message = b"".join(run.pieces)
        if run.flags & FLAG_UNORDERED:
            self._deliver(run.stream, run.ppid, message)
        else:
            self._add_ordered(run.stream, run.ssn, run.ppid, message)

    def _discard(self, run: _FragmentRun) -> None:
        del self._by_first[run.first], self._by_last[run.last]
        self.buffered -= run.buffered_size

    def _discard_unfinished(self, last: int) -> None:
        """Drop an unfinished message that ends at this TSN: the next one begins, so its sender abandoned the rest."""
        run = self._by_last.get(last)
        if run is not None and not run.flags & FLAG_END:
            self._discard(run)

    def _add_ordered(self, stream: int, ssn: int, ppid: int, message: bytes) -> None:
        expected = self._next_ssn.get(stream, 0)
        if ssn == expected:
            self._next_ssn[stream] = (ssn + 1) & _SSN_MASK
            self._deliver(stream, ppid, message)
            if self._waiting:
                self._deliver_waiting(stream)
        elif (ssn - expected) & _SSN_MASK < _SSN_HALF:
            waiting = self._waiting.setdefault(stream, {})
            if ssn not in waiting:
                waiting[ssn] = (ppid, message)
                self.buffered += len(message) + CHUNK_OVERHEAD

    def _deliver_waiting(self, stream: int) -> None:
        """Deliver the messages of a stream that are in order now."""
        waiting = self._waiting.get(stream)
        while waiting:
            ssn = self._next_ssn[stream]
            if ssn not in waiting:
                return
            self._next_ssn[stream] = (ssn + 1) & _SSN_MASK
            self._deliver_one(stream, waiting.pop(ssn))
        self._waiting.pop(stream, None)

    def _deliver_one(self, stream: int, waiting: tuple[int, bytes]) -> None:
        ppid, message = waiting
        self.buffered -= len(message) + CHUNK_OVERHEAD
        self._deliver(stream, ppid, message)

    def skip(self, cumulative_tsn: int, streams: Iterable[tuple[int, int]]) -> None:
        """Drop incomplete messages up to a TSN, and skip them in the order of their streams (RFC 3758 section 3.6)."""
        for run in list(self._by_first.values()):
            complete_so_far = run.flags & FLAG_BEGIN and run.last >= cumulative_tsn
            if run.first <= cumulative_tsn and not complete_so_far:
                self._discard(run)
        for stream, ssn in streams:
            self._skip_ordered(stream, ssn)

    def _skip_ordered(self, stream: int, skipped: int) -> None:
        expected = self._next_ssn.get(stream, 0)
        if (skipped - expected) & _SSN_MASK >= _SSN_HALF:
            return
        self._next_ssn[stream] = (skipped + 1) & _SSN_MASK
        waiting = self._waiting.get(stream, {})
        for ssn in sorted(waiting, key=lambda one: (one - expected) & _SSN_MASK):
            if (ssn - expected) & _SSN_MASK <= (skipped - expected) & _SSN_MASK:
                self._deliver_one(stream, waiting.pop(ssn))
        self._deliver_waiting(stream)

    def reset_streams(self, streams: Iterable[int]) -> None:
        """Restart the sequence numbers of streams at 0 (RFC 6525 section 5.2.2)."""
        for stream in streams:
            self._next_ssn.pop(stream, None)
            for _, message in self._waiting.pop(stream, {}).values():
                self.buffered -= len(message) + CHUNK_OVERHEAD
