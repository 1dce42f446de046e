"""The core of the server does no I/O and reads no clock."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import livekit.server

CORE = (
    "claims",
    "data_tracks",
    "events",
    "fair_queue",
    "forwarding",
    "limits",
    "packet_buffers",
    "packet_observer",
    "participant",
    "participant_data_tracks",
    "participant_link",
    "permissions",
    "quality",
    "rate_limit",
    "responses",
    "room",
    "room_lifetime",
    "room_manager",
    "room_services",
    "signal_dispatch",
    "simulated_scenarios",
    "simulation_state",
    "traffic",
)
MEDIA = {f"media.{path.stem}" for path in (Path(livekit.server.__file__).parent / "media").glob("*.py")}
"""Modules of a core that the import contracts check as a whole."""
FORBIDDEN = {"aiohttp", "asyncio", "datetime", "selectors", "socket", "threading", "time"}


def imports(path: Path) -> tuple[set[str], set[str]]:
    """Return the top-level packages that a module imports, and the modules of its own package."""
    absolute, siblings = set[str](), set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            absolute |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            siblings |= {node.module} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            absolute.add(node.module.partition(".")[0])
    return absolute, siblings


@pytest.mark.parametrize("name", CORE)
def test_core_imports_no_io_and_no_clock(name: str) -> None:
    absolute, siblings = imports(Path(livekit.server.__file__).parent / f"{name}.py")
    assert not absolute & FORBIDDEN
    assert siblings <= set(CORE) | MEDIA
