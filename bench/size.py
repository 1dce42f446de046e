"""How much of the disk a distribution takes with all that it needs to run: ``size.py NAME…`` prints JSON."""

from __future__ import annotations

import json
import re
import sys
from importlib import metadata


def closure(names: list[str]) -> set[str]:
    """Distributions that are installed because of `names`, extras left out."""
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
    """Bytes of a distribution's files, byte code left out: it comes and goes."""
    total = 0
    for file in metadata.files(name) or []:
        path = file.locate()
        if file.suffix != ".pyc" and hasattr(path, "is_file") and path.is_file():
            total += path.stat().st_size
    return total


if __name__ == "__main__":
    sizes = {name: size(name) for name in sorted(closure(sys.argv[1:]))}
    print(json.dumps({"bytes": sum(sizes.values()), "distributions": sizes}))
