"""The README shows the program of examples/hello.py, which has its own test."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_readme_shows_the_hello_example() -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    example = (ROOT / "examples" / "hello.py").read_text()
    body = re.search(r"async def main.*?(?=\n\n\n)", example, re.DOTALL)
    assert body is not None
    assert body[0] in shown
    assert shown.count("\n") <= 35
