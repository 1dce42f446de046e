"""The programs of docs/backend.md, run as written on the embedded server or that of LIVEKIT_URL."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from livekit import RpcError, RpcInvocationData
from livekit.backend import Backend
from tests.support.processes import SETTINGS, output_of
from tests.support.rooms import Join

from .conftest import Server

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "backend.md").read_text()
BLOCKS = [dedent(block) for block in re.findall(r"^ *```python\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)]
PROGRAMS = [block for block in BLOCKS if "Backend" in block]
HANDLERS = [block for block in BLOCKS if "Backend" not in block]


@pytest.mark.parametrize(
    ("program", "printed"), list(zip(PROGRAMS, (["hi"], ["hi", "carol is not there"]), strict=True))
)
async def test_programs_of_the_page_print_as_documented(
    program: str, printed: list[str], server: Server, join: Join, room_name: str
) -> None:
    alice = await join("alice")

    @alice.register_rpc_method("greet")
    def greet(data: RpcInvocationData) -> str:
        return "hi"

    settings = dict(zip(SETTINGS, (server.url, server.api_key, server.api_secret), strict=True))
    # LiveKit servers take 3 s to notice that the participant does not exist.
    program = program.replace('"demo"', repr(room_name)).replace("response_timeout=2.0", "response_timeout=20.0")
    code, out, err = await output_of(sys.executable, "-c", program, **settings)
    assert (code, out.splitlines(), err) == (0, printed, "")


async def test_handlers_of_the_page_work(server: Server, join: Join, room_name: str) -> None:
    shut_down, order = map(handler_of, HANDLERS)
    alice, bob = await join("alice"), await join("bob")
    alice.register_rpc_method("shut_down", shut_down)
    alice.register_rpc_method("order", order)
    backend = Backend(server.url, server.api_key, server.api_secret)
    assert (
        await backend.perform_rpc(room=room_name, destination_identity="alice", method="shut_down", payload="") == "bye"
    )
    perform = bob.local_participant.perform_rpc
    with pytest.raises(RpcError, match="only for the backend"):
        await perform(destination_identity="alice", method="shut_down", payload="")
    payload = json.dumps({"id": "1", "item": "tea"})
    calls = [perform(destination_identity="alice", method="order", payload=payload) for _ in range(2)]
    assert list(await asyncio.gather(*calls)) == ["ordered tea", "ordered tea"]
    assert len(order.__globals__["orders"]) == 1


def handler_of(program: str) -> Any:
    """Run a program; return the last function that it defines."""
    names: dict[str, Any] = {}
    exec(program.replace("sleep(4)", "sleep(0.5)"), names)  # the page's own
    return [value for value in names.values() if inspect.isfunction(value)][-1]
