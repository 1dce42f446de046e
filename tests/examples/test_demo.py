"""examples/demo.py, as `make demo` runs it."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.processes import output_of

EXAMPLES = Path(__file__).parents[2] / "examples"


async def test_demo_calls_in_both_directions() -> None:
    code, out, err = await output_of(sys.executable, str(EXAMPLES / "demo.py"))
    assert code == 0, out + err
    lines = [line.strip() for line in out.splitlines()]
    for identity in ("alice", "bob"):
        assert [line for line in lines if line.startswith(identity)] == [
            f"{identity} | Echo: Hello RPC!",
            f"{identity} | 10 + 20 = 30",
        ]
