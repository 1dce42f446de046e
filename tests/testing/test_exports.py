"""`livekit.testing` names what it has, and loads it on first use."""

from __future__ import annotations

import subprocess
import sys

import pytest

import livekit.testing


def test_every_name_is_there() -> None:
    for name in livekit.testing.__all__:
        assert getattr(livekit.testing, name).__name__ == name
    assert set(livekit.testing.__all__) <= set(dir(livekit.testing))


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="Nothing"):
        livekit.testing.Nothing  # noqa: B018  # that it is none is the point


def test_importing_loads_nothing() -> None:
    code = "import livekit.testing, sys; sys.exit('livekit.room' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
