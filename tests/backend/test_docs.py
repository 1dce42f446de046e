"""The programs of docs/backend.md, run as written on the embedded server or that of LIVEKIT_URL."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from livekit import RpcInvocationData
from tests.support.processes import SETTINGS, output_of
from tests.support.rooms import Join

from .conftest import Server

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "backend.md").read_text()
PROGRAMS: list[str] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


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
