"""A ledger of calls: records requests, handler runs and outcomes, and reports violations of RPC's guarantees."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from livekit._room.rpc_access import add_rpc_interceptor
from livekit.room import Room
from livekit.rpc import IncomingRpcNext, OutgoingRpcNext, RpcCallInfo, RpcError, RpcInterceptor, RpcInvocationData
from livekit.rpc.client import DEFAULT_RESPONSE_TIMEOUT

__all__ = ["SUCCESS", "CallLedger", "LedgerEntry"]

SUCCESS = "ok"
"""The outcome of a successful call."""
GRACE = 0.25
"""Seconds beyond its budget by which a call must have ended."""


@dataclass(kw_only=True, slots=True)
class LedgerEntry:
    """One call."""

    budget: float | None = None
    """Seconds; None until the caller has reported the call."""
    outcomes: list[str] = field(default_factory=list[str])
    """Outcomes reported by the caller; exactly one is expected."""
    seconds: float = 0.0
    """Seconds from the call to its outcome."""
    requests: list[str] = field(default_factory=list[str])
    """Request ids of its handler runs; at most one is allowed."""
    endings: list[str] = field(default_factory=list[str])
    """Results of its handler runs: ``returned``, ``raised`` or ``cancelled``."""
    abandoned: bool = False
    """The caller was killed, so no outcome is expected."""


class CallLedger:
    """Records calls by payload; each call needs a unique payload.

    `watch` records the calls of rooms in this process automatically. Report those of other processes with `started`,
    `settled`, `invoked` and `ended`.
    """

    def __init__(self, *, grace: float = GRACE) -> None:
        """Create an empty ledger. `grace`: seconds beyond its budget that a call may take."""
        self.entries: dict[str, LedgerEntry] = {}
        """Entries by payload."""
        self._grace = grace

    def watch(self, *rooms: Room) -> None:
        """Record the calls that these rooms make and receive from now on; also before they connect."""
        for room in rooms:
            add_rpc_interceptor(room, _LedgerInterceptor(self))

    def started(self, call: str, budget: float) -> None:
        """Record the start of a call with a budget in seconds."""
        self._entry(call).budget = budget

    def settled(self, call: str, outcome: str, seconds: float) -> None:
        """Record a call's outcome: `SUCCESS`, or a description of the error raised."""
        entry = self._entry(call)
        entry.outcomes.append(outcome)
        entry.seconds = seconds

    def invoked(self, call: str, request_id: str) -> None:
        """Record the start of a handler run."""
        self._entry(call).requests.append(request_id)

    def ended(self, call: str, how: str) -> None:
        """Record the end of a handler run: ``returned``, ``raised`` or ``cancelled``."""
        self._entry(call).endings.append(how)

    def abandon(self, prefix: str = "") -> None:
        """Expect no outcome of pending calls with this prefix: their caller was killed."""
        for call, entry in self.entries.items():
            if call.startswith(prefix) and not entry.outcomes:
                entry.abandoned = True

    def violations(self) -> list[str]:
        """Return the violations found, once all calls have ended; empty if there are none."""
        return [f"{call!r}: {what}" for call, entry in self.entries.items() for what in self._wrong(entry)]

    def outcomes(self) -> Counter[str]:
        """Return the number of calls by outcome."""
        return Counter(outcome for entry in self.entries.values() for outcome in entry.outcomes)

    def success_rate(self) -> float:
        """Return the share of successful calls among those made and not abandoned; 1 if there are none."""
        made = [entry for entry in self.entries.values() if entry.budget is not None and not entry.abandoned]
        return sum(entry.outcomes == [SUCCESS] for entry in made) / len(made) if made else 1.0

    def assert_clean(self) -> None:
        """Raise AssertionError if there are violations."""
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
            wrong.append(f"it succeeded, but its handler did not return: {entry.endings}")
        if entry.budget is None:
            wrong.append("no caller made it")
        elif entry.seconds > entry.budget + self._grace:
            wrong.append(f"it took {entry.seconds:.3f} s of {entry.budget:g}")
        return wrong


class _LedgerInterceptor(RpcInterceptor):
    """Reports a room's calls to a ledger."""

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
