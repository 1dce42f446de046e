from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from livekit import RpcError, RpcInvocationData
from livekit.testing import CallLedger, RoomEnvironment
from livekit.testing.ledger import SUCCESS


def record_successful_call(ledger: CallLedger) -> None:
    ledger.started("c", 1.0)
    ledger.invoked("c", "id")
    ledger.ended("c", "returned")
    ledger.settled("c", SUCCESS, 0.5)


VIOLATIONS: dict[str, Callable[[CallLedger], None]] = {
    "ran 2 times": lambda ledger: ledger.invoked("c", "id 2"),
    "has 2 outcomes": lambda ledger: ledger.settled("c", "1502", 0.6),
    "took 1.300 s of 1": lambda ledger: setattr(ledger.entries["c"], "seconds", 1.3),
    "has 0 outcomes": lambda ledger: ledger.entries["c"].outcomes.clear(),
    "did not return": lambda ledger: ledger.entries["c"].endings.clear(),
    "no caller made it": lambda ledger: setattr(ledger.entries["c"], "budget", None),
}


def test_a_successful_call_is_clean() -> None:
    ledger = CallLedger()
    record_successful_call(ledger)
    ledger.assert_clean()
    assert ledger.success_rate() == 1.0
    assert ledger.outcomes() == {SUCCESS: 1}


@pytest.mark.parametrize("message", VIOLATIONS)
def test_violations_are_reported(message: str) -> None:
    ledger = CallLedger()
    record_successful_call(ledger)
    VIOLATIONS[message](ledger)
    assert any(message in violation for violation in ledger.violations())
    with pytest.raises(AssertionError, match=message):
        ledger.assert_clean()


def test_abandoned_calls_are_not_violations() -> None:
    ledger = CallLedger()
    ledger.started("a/1", 1.0)
    ledger.started("b/1", 1.0)
    ledger.abandon("a/")
    (violation,) = ledger.violations()
    assert "b/1" in violation
    assert ledger.success_rate() == 0.0


async def test_watched_rooms_report_their_calls(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    ledger = CallLedger()
    ledger.watch(alice, bob)

    handler_started = asyncio.Event()

    async def handler(data: RpcInvocationData) -> str:
        if data.payload == "slow too":
            handler_started.set()
        if data.payload == "fails":
            raise RpcError(2000, "no", "because")
        await asyncio.sleep(30 if data.payload.startswith("slow") else 0)
        return ""

    bob.register_rpc_method("m", handler)

    async def call(payload: str) -> str:
        return await alice.local_participant.perform_rpc(
            destination_identity="bob", method="m", payload=payload, response_timeout=0.5
        )

    await call("works")
    for payload in ("fails", "slow"):
        with pytest.raises(RpcError):
            await call(payload)
    cancelled = asyncio.ensure_future(call("slow too"))
    await handler_started.wait()
    cancelled.cancel()
    await asyncio.wait({cancelled})
    entries = ledger.entries
    assert [entries[name].outcomes[0][:4] for name in ("works", "fails", "slow", "slow too")] == [
        SUCCESS,
        "2000",
        "1502",
        "canc",
    ]
    assert entries["fails"].endings == ["raised"]
    assert not [violation for violation in ledger.violations() if "took" not in violation], (
        "durations depend on the load"
    )
