"""Lazily loaded exports of `livekit.testing`."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

testing = import_module("livekit.testing")


def test_every_exported_name_loads() -> None:
    for name in testing.__all__:
        assert getattr(testing, name).__name__ == name
    assert set(testing.__all__) <= set(dir(testing))


def test_an_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Nothing"):
        testing.Nothing  # noqa: B018


def test_importing_does_not_load_rooms() -> None:
    code = "import livekit.testing, sys; sys.exit('livekit.room' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
