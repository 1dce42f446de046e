"""Deduplication of request ids: no request runs its handler twice."""

from __future__ import annotations

import secrets
from hashlib import blake2b

MAX_IDS_PER_SENDER = 65_536
"""Ids in one generation. A sender keeps two generations: at least this many recent ids, at most twice as many."""
MAX_SENDERS = 1_024
"""Senders remembered; the least recently active one is evicted first."""

_DIGEST_KEY = secrets.token_bytes(16)

_Buckets = dict[int, bytearray]
"""Concatenated digests, by their first byte: a seventh of a set's memory, with 4 KiB to search per lookup."""


def _digest(request_id: str) -> bytes:
    """Hash an id of any length to 16 bytes; keyed, so that a peer cannot construct collisions."""
    return blake2b(request_id.encode("utf-8", "replace"), digest_size=16, key=_DIGEST_KEY).digest()


class _RecentIds:
    """The recent ids of one sender in two generations; when the current one is full, the previous one is dropped."""

    __slots__ = ("_count", "_current", "_previous")

    def __init__(self) -> None:
        self._count = 0
        self._current: _Buckets = {}
        self._previous: _Buckets = {}

    def add(self, digest: bytes) -> bool:
        bucket = digest[0]
        if digest in self._current.get(bucket, b"") or digest in self._previous.get(bucket, b""):
            return False
        if self._count == MAX_IDS_PER_SENDER:
            self._previous, self._current, self._count = self._current, {}, 0
        self._current.setdefault(bucket, bytearray()).extend(digest)
        self._count += 1
        return True


class RequestDedup:
    """Recently used request ids, by sender."""

    def __init__(self) -> None:
        self._senders: dict[str, _RecentIds] = {}

    def add(self, sender: str, request_id: str) -> bool:
        """Record a request and return True; return False if it is a duplicate."""
        if sender == request_id:
            sender = ""  # the server's own calls: each has another caller identity, and all count as one sender
        ids = self._senders.pop(sender, None) or _RecentIds()
        self._senders[sender] = ids
        if len(self._senders) > MAX_SENDERS:
            self._senders.pop(next(iter(self._senders)))
        return ids.add(_digest(request_id))
