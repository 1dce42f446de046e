"""Output formats, and output that fails."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from livekit.cli import ExitCode
from livekit.cli.output import age, iso_time, printable, table, to_json

from .conftest import Result, Run

HELP = [sys.executable, "-m", "livekit", "completion", "bash"]


def test_table_aligns_columns_and_escapes_cells() -> None:
    shown = table(("NAME", "N", "X"), [("a", 5, ""), ("long name", 123, "\n")])
    assert shown == "NAME         N  X\na            5\nlong name  123  \\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 😀", "plain é 😀"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\u202eb", r"a\u202eb"),
        ("a\tb\r\n", r"a\tb\r\n"),
        ("\ud800", r"\ud800"),
    ],
)
def test_control_characters_are_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_json_is_ascii() -> None:
    assert to_json({"é": "\x9b"}).isascii()
    assert json.loads(to_json({"é": "\x9b"})) == {"é": "\x9b"}


def test_time_is_iso_8601_in_utc() -> None:
    assert iso_time(0) is None
    assert iso_time(1_700_000_000_123) == "2023-11-14T22:13:20.123Z"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(5, "[5-9]s"), (61, "1m"), (7201, "2h"), (86_400 * 3, "3d"), (-100, "0s")]
)
def test_age_is_in_the_largest_unit(seconds: int, shown: str) -> None:
    assert re.fullmatch(shown, age(int((time.time() - seconds) * 1000)))


def test_unknown_age_is_a_dash() -> None:
    assert age(0) == "-"


def test_broken_pipe_exits_silently() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(HELP, stdout=writing, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (ExitCode.BROKEN_PIPE, b"")


def test_closed_output_is_not_an_error() -> None:
    script = f"{sys.executable} -m livekit completion bash >&-"
    done = subprocess.run(["sh", "-c", script], stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (ExitCode.DONE, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_reported() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(HELP, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (ExitCode.FAILED, b"livekit: No space left on device\n")


@pytest.mark.parametrize("command", [["room", "create"], ["call", "--room", "r", "--to", "a", "m"]])
async def test_arguments_that_are_not_utf8_are_rejected(run: Run, command: list[str]) -> None:
    done = await run(*command, os.fsdecode(b"\xff"))
    assert done == Result(ExitCode.USAGE, "", "livekit: an argument is not UTF-8\n")
