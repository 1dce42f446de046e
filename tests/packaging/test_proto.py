"""The committed descriptors and stubs match the .proto files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.proto import PROTO, compile_into

pytestmark = pytest.mark.packaging


def test_committed_output_is_up_to_date(tmp_path: Path) -> None:
    """If this fails, run `make proto`."""
    compiled = compile_into(tmp_path)
    assert {path.name for path in compiled} == {
        path.name for path in PROTO.iterdir() if path.suffix in (".binpb", ".pyi")
    }
    assert [path.name for path in compiled if path.read_bytes() != (PROTO / path.name).read_bytes()] == []
