"""Every code block of docs/testing.md runs as written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.testing.plugin_runs import run_pytest

pytest_plugins = ["pytester"]

DOCS = Path(__file__).resolve().parents[2] / "docs" / "testing.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> dict[str, str]:
    """Return the Python files of the page by name, which is in the first line of each."""
    found: dict[str, str] = {}
    for language, code in BLOCK.findall(DOCS.read_text()):
        if language == "python":
            first = code.split("\n", 1)[0]
            assert first.startswith("# "), f"a block without a file name: {first}"
            found[first.removeprefix("# ")] = code
    return found


def test_every_block_runs(pytester: pytest.Pytester) -> None:
    """Blocks run in memory and on the embedded server; tests with faults run in memory only."""
    files = blocks()
    for name, code in files.items():
        (pytester.path / name).write_text(code)
    result = run_pytest(pytester, "-o", "asyncio_mode=auto", "--livekit-environment=memory,embedded")
    tests = {name: code.count("def test_") for name, code in files.items() if name.startswith("test_")}
    once = count_tests_without_environment(files)
    in_memory_only = tests["test_faults.py"]
    assert len(tests) >= 5
    result.assert_outcomes(passed=2 * (sum(tests.values()) - once) + once - in_memory_only, skipped=in_memory_only)
    assert result.ret == 0


def count_tests_without_environment(files: dict[str, str]) -> int:
    """Return the number of tests without fixtures, which run once."""
    signatures = re.findall(r"def test_\w+\((.*?)\)", "\n".join(files.values()))
    return sum(not arguments for arguments in signatures)


def test_a_first_test_takes_twenty_lines() -> None:
    """Including the handler under test."""
    first_test = blocks()["test_bank.py"].split("async def test_too_much")[0]
    assert len([line for line in first_test.splitlines() if line.strip()]) <= 20
