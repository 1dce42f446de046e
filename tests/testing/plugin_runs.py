"""Run pytest inside a test, in a subprocess, with the plugin loaded as users load it."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

import livekit.testing

PLUGIN = "livekit.testing.plugin"
SOURCE = Path(livekit.testing.__file__).parents[2]
"""The directory that contains the package under test, installed or not."""


def run_pytest(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest on the files in the tester's folder; warnings are errors."""
    installed = any(entry.value == PLUGIN for entry in entry_points(group="pytest11"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(SOURCE))
        return pytester.runpytest_subprocess(
            *(() if installed else ("-p", PLUGIN)),
            *("-p", "no:randomly"),
            *("-o", "asyncio_default_fixture_loop_scope=function"),
            *("-W", "error"),
            *arguments,
        )
