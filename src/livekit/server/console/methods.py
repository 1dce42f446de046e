"""Which methods participants have: what they say, and what their answers show. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable

from livekit.rpc.errors import RpcError

from .call_tracker import CallState, TrackedCall

MAX_METHODS = 100
"""Methods that are remembered of one participant."""

_Code = RpcError.ErrorCode
_SAYS_NOTHING = frozenset(int(code) for code in _Code) - {_Code.APPLICATION_ERROR, _Code.RESPONSE_PAYLOAD_TOO_LARGE}
"""Error codes that do not show whether the callee has the method."""


class MethodBook:
    """The methods of everybody, by room and identity."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], dict[str, None]] = {}
        self._told: dict[tuple[str, str], list[str]] = {}
        self._silent: set[tuple[str, str]] = set()

    def of(self, room: str, identity: str) -> list[str]:
        """What is known, sorted. A participant that tells its methods has no others."""
        told = self._told.get((room, identity))
        return sorted(self._seen.get((room, identity), {})) if told is None else told

    def told(self, room: str, identity: str, methods: Iterable[str]) -> None:
        """A participant says which methods it has."""
        self._told[room, identity] = sorted(methods)[:MAX_METHODS]

    def silent(self, room: str, identity: str) -> None:
        """A participant does not say which methods it has."""
        self._silent.add((room, identity))

    def is_silent(self, room: str, identity: str) -> bool:
        return (room, identity) in self._silent

    def is_told(self, room: str, identity: str) -> bool:
        return (room, identity) in self._told

    def learn(self, call: TrackedCall) -> None:
        """A call was answered; see what that says about the callee."""
        if not call.callee or not call.method:
            return
        seen = self._seen.setdefault((call.room, call.callee), {})
        if call.code == _Code.UNSUPPORTED_METHOD:
            seen.pop(call.method, None)
        elif (call.state is CallState.ANSWERED or call.code not in _SAYS_NOTHING) and len(seen) < MAX_METHODS:
            seen[call.method] = None

    def left(self, room: str, identity: str) -> None:
        """A participant is gone."""
        self._seen.pop((room, identity), None)
        self._told.pop((room, identity), None)
        self._silent.discard((room, identity))
