"""The same test on every ground."""

from __future__ import annotations

from livekit import RpcInvocationData
from livekit.testing import Ground


async def test_a_call(ground: Ground) -> None:
    """Two participants meet and one calls the other."""
    bob = await ground.join("bob")

    async def greet(invocation: RpcInvocationData) -> str:
        return f"hello {invocation.caller_identity}"

    bob.local_participant.register_rpc_method("greet", greet)
    alice = await ground.join("alice")
    answer = await alice.local_participant.perform_rpc(destination_identity="bob", method="greet", payload="")
    assert answer == "hello alice"
    assert alice.name == ground.room
