"""A ledger of calls: what was made, run and answered, and whether that breaks what a call promises."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from livekit.room import Room
from livekit.rpc import IncomingRpcNext, OutgoingRpcNext, RpcCallInfo, RpcError, RpcInterceptor, RpcInvocationData
from livekit.rpc.client import DEFAULT_RESPONSE_TIMEOUT

__all__ = ["SUCCESS", "CallLedger", "LedgerEntry"]

SUCCESS = "ok"
"""The outcome of a call that was answered."""
GRACE = 0.25
"""Seconds beyond its budget after which a call must have ended."""


@dataclass(kw_only=True, slots=True)
class LedgerEntry:
    """One call."""

    budget: float | None = None
    """Seconds; None while the caller has not told of the call."""
    outcomes: list[str] = field(default_factory=list[str])
    """What came of it, as the caller saw it."""
    seconds: float = 0.0
    """How long it took."""
    requests: list[str] = field(default_factory=list[str])
    """The request ids of its invocations."""
    endings: list[str] = field(default_factory=list[str])
    """How its invocations ended: ``returned``, ``raised`` or ``cancelled``."""
    abandoned: bool = False
    """The caller is gone, and with it whoever would see an outcome."""


class CallLedger:
    """Keeps account of calls by their payloads, each of which must be used once only.

    `watch` has the rooms of this process tell by themselves. What happens in other processes is told with `started`,
    `settled`, `invoked` and `ended`.
    """

    def __init__(self, *, grace: float = GRACE) -> None:
        """`grace`: seconds beyond its budget that a call may take."""
        self.entries: dict[str, LedgerEntry] = {}
        """By payload."""
        self._grace = grace

    def watch(self, *rooms: Room) -> None:
        """Account for the calls that these rooms make and receive from now on; before they connect, too."""
        for room in rooms:
            room._rpc.registry.add_interceptor(_Accountant(self))

    def started(self, call: str, budget: float) -> None:
        """A call is being made that has so many seconds."""
        self._entry(call).budget = budget

    def settled(self, call: str, outcome: str, seconds: float) -> None:
        """A call ended for its caller: `SUCCESS`, or what was raised."""
        entry = self._entry(call)
        entry.outcomes.append(outcome)
        entry.seconds = seconds

    def invoked(self, call: str, request_id: str) -> None:
        """A handler begins."""
        self._entry(call).requests.append(request_id)

    def ended(self, call: str, how: str) -> None:
        """A handler ended: ``returned``, ``raised`` or ``cancelled``."""
        self._entry(call).endings.append(how)

    def abandon(self, prefix: str = "") -> None:
        """The caller of the calls with this prefix was killed: those without outcome will have none."""
        for call, entry in self.entries.items():
            if call.startswith(prefix) and not entry.outcomes:
                entry.abandoned = True

    def violations(self) -> list[str]:
        """What is wrong with the calls that were made, once all have ended; empty if nothing is."""
        return [f"{call!r}: {what}" for call, entry in self.entries.items() for what in self._wrong(entry)]

    def outcomes(self) -> Counter[str]:
        """How often each outcome was seen."""
        return Counter(outcome for entry in self.entries.values() for outcome in entry.outcomes)

    def success_rate(self) -> float:
        """The share of successes among the calls that were made and not abandoned; 1 if there were none."""
        made = [entry for entry in self.entries.values() if entry.budget is not None and not entry.abandoned]
        return sum(entry.outcomes == [SUCCESS] for entry in made) / len(made) if made else 1.0

    def assert_clean(self) -> None:
        """Raises AssertionError unless every call kept its promises."""
        __tracebackhide__ = True
        wrong = self.violations()
        assert not wrong, f"{len(wrong)} of {len(self.entries)} calls:\n" + "\n".join(wrong[:20])

    def _entry(self, call: str) -> LedgerEntry:
        return self.entries.setdefault(call, LedgerEntry())

    def _wrong(self, entry: LedgerEntry) -> list[str]:
        wrong: list[str] = []
        if len(entry.requests) > 1:
            wrong.append(f"its handler ran {len(entry.requests)} times: {entry.requests}")
        if len(entry.outcomes) != 1 and not (entry.abandoned and not entry.outcomes):
            wrong.append(f"it has {len(entry.outcomes)} outcomes: {entry.outcomes}")
        if SUCCESS in entry.outcomes and "returned" not in entry.endings:
            wrong.append(f"it succeeded, and its handler did not run to its end: {entry.endings}")
        if entry.budget is None:
            wrong.append("nobody made it")
        elif entry.seconds > entry.budget + self._grace:
            wrong.append(f"it took {entry.seconds:.3f} s of {entry.budget:g}")
        return wrong


class _Accountant(RpcInterceptor):
    """Tells a ledger of a room's calls."""

    def __init__(self, ledger: CallLedger) -> None:
        self._ledger = ledger

    async def intercept_outgoing(self, call: RpcCallInfo, next: OutgoingRpcNext) -> str:
        budget = DEFAULT_RESPONSE_TIMEOUT if call.response_timeout is None else call.response_timeout
        self._ledger.started(call.payload, budget)
        started = time.monotonic()
        outcome = "cancelled"
        try:
            response = await next(call)
            outcome = SUCCESS
            return response
        except Exception as error:
            outcome = f"{int(error.code)} {error.data or error.message}" if isinstance(error, RpcError) else repr(error)
            raise
        finally:
            self._ledger.settled(call.payload, outcome, time.monotonic() - started)

    async def intercept_incoming(self, invocation: RpcInvocationData, next: IncomingRpcNext) -> str | None:
        self._ledger.invoked(invocation.payload, invocation.request_id)
        how = "raised"
        try:
            response = await next(invocation)
            how = "returned"
            return response
        except BaseException as error:
            if not isinstance(error, Exception):
                how = "cancelled"
            raise
        finally:
            self._ledger.ended(invocation.payload, how)
