"""The same program gives the same results with the official SDK and with this package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.interop.matrix import official_python

HERE = Path(__file__).parent

pytestmark = pytest.mark.peers


def results(python: str, program: str) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, HERE / program], capture_output=True, text=True, check=False, timeout=50, env=environment
    )
    assert done.returncode == 0, done.stderr
    loaded: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return loaded


def both(program: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return results(official_python(), program), results(sys.executable, program)


def test_frames() -> None:
    official, ours = both("frames.py")
    assert ours == official


def test_mixing() -> None:
    official, ours = both("mixing.py")
    assert ours == official


def test_resampling() -> None:
    """Sizes are equal, and samples but for libsoxr's dither."""
    pytest.importorskip("soxr", reason="needs the resample extra")
    official, ours = both("resampling.py")
    assert ours.keys() == official.keys()
    for case, expected in official.items():
        assert [len(output) for output in ours[case]] == [len(output) for output in expected], case
        differences = [
            abs(a - b)
            for output, official_output in zip(ours[case], expected, strict=True)
            for a, b in zip(output, official_output, strict=True)
        ]
        assert max(differences) <= 2, case
