from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from livekit import RpcError, RpcInvocationData
from livekit.testing import CallLedger, RoomEnvironment
from livekit.testing.ledger import SUCCESS


def good(ledger: CallLedger) -> None:
    ledger.started("c", 1.0)
    ledger.invoked("c", "id")
    ledger.ended("c", "returned")
    ledger.settled("c", SUCCESS, 0.5)


BROKEN: dict[str, Callable[[CallLedger], None]] = {
    "ran 2 times": lambda ledger: ledger.invoked("c", "id 2"),
    "has 2 outcomes": lambda ledger: ledger.settled("c", "1502", 0.6),
    "took 1.300 s of 1": lambda ledger: setattr(ledger.entries["c"], "seconds", 1.3),
    "has 0 outcomes": lambda ledger: ledger.entries["c"].outcomes.clear(),
    "did not return": lambda ledger: ledger.entries["c"].endings.clear(),
    "no caller made it": lambda ledger: setattr(ledger.entries["c"], "budget", None),
}


def test_a_good_call() -> None:
    ledger = CallLedger()
    good(ledger)
    ledger.assert_clean()
    assert ledger.success_rate() == 1.0
    assert ledger.outcomes() == {SUCCESS: 1}


@pytest.mark.parametrize("what", BROKEN)
def test_violations_are_reported(what: str) -> None:
    ledger = CallLedger()
    good(ledger)
    BROKEN[what](ledger)
    assert any(what in wrong for wrong in ledger.violations())
    with pytest.raises(AssertionError, match=what):
        ledger.assert_clean()


def test_abandoned_calls_are_no_violations() -> None:
    ledger = CallLedger()
    ledger.started("a/1", 1.0)
    ledger.started("b/1", 1.0)
    ledger.abandon("a/")
    (wrong,) = ledger.violations()
    assert "b/1" in wrong
    assert ledger.success_rate() == 0.0


async def test_watched_rooms_report_their_calls(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    ledger = CallLedger()
    ledger.watch(alice, bob)

    runs = asyncio.Event()

    async def handler(data: RpcInvocationData) -> str:
        if data.payload == "slow too":
            runs.set()
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
    given_up = asyncio.ensure_future(call("slow too"))
    await runs.wait()
    given_up.cancel()
    await asyncio.wait({given_up})
    entries = ledger.entries
    assert [entries[name].outcomes[0][:4] for name in ("works", "fails", "slow", "slow too")] == [
        SUCCESS,
        "2000",
        "1502",
        "canc",
    ]
    assert entries["fails"].endings == ["raised"]
    assert not [wrong for wrong in ledger.violations() if "took" not in wrong], "a machine may be busy"
