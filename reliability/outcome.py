"""The end of a long run: its result in a file, its problems on the terminal and in the exit code."""

from __future__ import annotations

import json
from typing import Any

from tools.progress import progress


def finish(result: dict[str, Any], path: str, success: str) -> None:
    """Write `result` as JSON to `path`, and exit: with code 0 and the message `success` if it lists no problems."""
    with open(path, "w") as output:
        json.dump(result, output, indent=1)
        output.write("\n")
    progress("\n".join(result["problems"]) or success)
    raise SystemExit(bool(result["problems"]))
