"""Results as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from .peers import ROOT
from .stage import Result

JSON = ROOT / "docs/reliability.json"


def keep(path: Path, name: str, sdk: str, results: list[Result]) -> None:
    """Put results in place of those of an earlier run."""
    known: dict[str, dict[str, list[Result]]] = json.loads(path.read_text()) if path.exists() else {}
    known.setdefault(name, {})[sdk] = results
    path.write_text(json.dumps(known, indent=1) + "\n")
