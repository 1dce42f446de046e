"""RPC methods of participants, announced by them or inferred from their responses. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable

from livekit.rpc.errors import RpcError

from .tracked_call import CallState, TrackedCall

MAX_METHODS = 100
"""Maximum number of methods per participant."""

_Code = RpcError.ErrorCode
_INCONCLUSIVE_CODES = frozenset(int(code) for code in _Code) - {
    _Code.APPLICATION_ERROR,
    _Code.RESPONSE_PAYLOAD_TOO_LARGE,
}
"""Error codes that do not show whether the callee has the method."""


class KnownMethods:
    """Methods by room and identity."""

    def __init__(self) -> None:
        self._inferred: dict[tuple[str, str], dict[str, None]] = {}
        self._announced: dict[tuple[str, str], list[str]] = {}
        self._unresponsive: set[tuple[str, str]] = set()

    def of(self, room: str, identity: str) -> list[str]:
        """Return the announced methods and those inferred since, sorted."""
        announced = self._announced.get((room, identity), ())
        return sorted({*announced, *self._inferred.get((room, identity), ())})[:MAX_METHODS]

    def announce(self, room: str, identity: str, methods: Iterable[str]) -> None:
        """Set the methods that a participant has announced, in place of those inferred before."""
        self._announced[room, identity] = sorted(methods)[:MAX_METHODS]
        self._inferred.pop((room, identity), None)

    def mark_unresponsive(self, room: str, identity: str) -> None:
        """Mark a participant that does not announce its methods."""
        self._unresponsive.add((room, identity))

    def is_unresponsive(self, room: str, identity: str) -> bool:
        return (room, identity) in self._unresponsive

    def is_asked(self, room: str, identity: str) -> bool:
        """Return True if a participant has announced its methods or does not do so."""
        return self.is_announced(room, identity) or self.is_unresponsive(room, identity)

    def is_announced(self, room: str, identity: str) -> bool:
        return (room, identity) in self._announced

    def learn(self, call: TrackedCall) -> None:
        """Infer from the outcome of a call whether the callee has the method."""
        if not call.callee or not call.method:
            return
        inferred = self._inferred.setdefault((call.room, call.callee), {})
        if call.code == _Code.UNSUPPORTED_METHOD:
            inferred.pop(call.method, None)
            announced = self._announced.get((call.room, call.callee), [])
            if call.method in announced:
                announced.remove(call.method)
        elif (call.state is CallState.ANSWERED or call.code not in _INCONCLUSIVE_CODES) and len(inferred) < MAX_METHODS:
            inferred[call.method] = None

    def left(self, room: str, identity: str) -> None:
        """Forget a participant that has left."""
        self._inferred.pop((room, identity), None)
        self._announced.pop((room, identity), None)
        self._unresponsive.discard((room, identity))
