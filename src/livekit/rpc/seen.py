"""Which request ids a sender has used, so that no request runs a handler twice."""

from __future__ import annotations

from collections import deque
from hashlib import blake2b

REMEMBERED_IDS = 65_536
"""Request ids kept for each sender after their invocations ended."""
REMEMBERED_SENDERS = 1_024
"""Senders kept; the one heard least recently is forgotten first."""


def _compact(request_id: str) -> bytes:
    """16 bytes that stand for an id of any length."""
    try:
        data = bytes.fromhex(request_id.replace("-", ""))
    except ValueError:
        data = b""
    return data if len(data) == 16 else blake2b(request_id.encode("utf-8", "replace"), digest_size=16).digest()


class _SenderIds:
    """The last ids of one sender, in order and for look-up."""

    __slots__ = ("_known", "_order")

    def __init__(self) -> None:
        self._known: set[bytes] = set()
        self._order: deque[bytes] = deque()

    def add(self, key: bytes) -> bool:
        if key in self._known:
            return False
        self._known.add(key)
        self._order.append(key)
        if len(self._order) > REMEMBERED_IDS:
            self._known.discard(self._order.popleft())
        return True


class SeenRequests:
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
