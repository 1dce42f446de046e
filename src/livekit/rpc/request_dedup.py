"""Which request ids a sender has used, so that no request runs a handler twice."""

from __future__ import annotations

import secrets
from hashlib import blake2b

REMEMBERED_IDS = 65_536
"""Request ids kept for each sender after their invocations ended; of older ones up to as many more."""
REMEMBERED_SENDERS = 1_024
"""Senders kept; the one heard least recently is forgotten first."""

_SECRET = secrets.token_bytes(16)

_Keys = dict[int, bytearray]
"""Keys in a row, by their first byte: they take a seventh of what a set takes, and 4 KiB are searched in no time."""


def _compact(request_id: str) -> bytes:
    """16 bytes that stand for an id of any length; keyed, so that nobody can choose them."""
    return blake2b(request_id.encode("utf-8", "replace"), digest_size=16, key=_SECRET).digest()


class _SenderIds:
    """The last ids of one sender, in two generations: when the newer is full, the older is forgotten."""

    __slots__ = ("_count", "_newer", "_older")

    def __init__(self) -> None:
        self._count = 0
        self._newer: _Keys = {}
        self._older: _Keys = {}

    def add(self, key: bytes) -> bool:
        place = key[0]
        if key in self._newer.get(place, b"") or key in self._older.get(place, b""):
            return False
        if self._count == REMEMBERED_IDS:
            self._older, self._newer, self._count = self._newer, {}, 0
        self._newer.setdefault(place, bytearray()).extend(key)
        self._count += 1
        return True


class RequestDedup:
    """Request ids by sender."""

    def __init__(self) -> None:
        self._senders: dict[str, _SenderIds] = {}

    def add(self, sender: str, request_id: str) -> bool:
        """Note a request; False if it was seen before."""
        if sender == request_id:
            sender = ""  # a call by the server, each from a name of its own; all of them count as one sender
        ids = self._senders.pop(sender, None) or _SenderIds()
        self._senders[sender] = ids
        if len(self._senders) > REMEMBERED_SENDERS:
            self._senders.pop(next(iter(self._senders)))
        return ids.add(_compact(request_id))
