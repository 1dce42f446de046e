"""The protocol cores do no I/O, as docs/architecture.md requires."""

from __future__ import annotations

import ast
import importlib
import inspect

import pytest

import livekit.engine

CORES = ("connection_state", "sequencer", "packet_queue", "packet_filter", "region_urls", "join_buffer")
IO_MODULES = {"asyncio", "time", "datetime", "socket", "random", "threading"}


@pytest.mark.parametrize("name", CORES)
def test_core_imports_no_io_and_no_clock(name: str) -> None:
    assert f"`{name}`" in (livekit.engine.__doc__ or "")
    tree = ast.parse(inspect.getsource(importlib.import_module(f"livekit.engine.{name}")))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {module.partition(".")[0] for module in imported} & IO_MODULES
    assert "livekit._util.aio" not in imported
