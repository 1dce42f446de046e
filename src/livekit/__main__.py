"""Run the `livekit` command: `livekit` or `python -m livekit`."""

from __future__ import annotations

import sys

INTERRUPTED = 130


def main() -> int:
    """Run the command; Ctrl-C while its modules are imported ends it too."""
    try:
        from livekit.cli import main as run

        return run()
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
