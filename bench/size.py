"""Disk usage of a distribution with its dependencies: ``size.py NAME…`` prints JSON."""

from __future__ import annotations

import json
import re
import sys
from importlib import metadata


def closure(names: list[str]) -> set[str]:
    """Return `names` and their installed dependencies, without extras."""
    found: set[str] = set()
    queue = list(names)
    while queue:
        name = re.sub(r"[-_.]+", "-", queue.pop()).lower()
        if name in found:
            continue
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # for another platform
        found.add(name)
        queue += [re.split(r"[ ;<>=!~\[(]", need, maxsplit=1)[0] for need in requires if "extra ==" not in need]
    return found


def size(name: str) -> int:
    """Return the size of a distribution's files in bytes, without byte code."""
    total = 0
    for file in metadata.files(name) or []:
        path = file.locate()
        if file.suffix != ".pyc" and hasattr(path, "is_file") and path.is_file():
            total += path.stat().st_size
    return total


if __name__ == "__main__":
    sizes = {name: size(name) for name in sorted(closure(sys.argv[1:]))}
    print(json.dumps({"bytes": sum(sizes.values()), "distributions": sizes}))
