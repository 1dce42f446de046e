"""The `livekit` command. Each subcommand is a module with `add_parser`; `main` finds and runs it."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from livekit._version import __version__

from . import dev, replay, token
from .exits import CommandError, ExitCode

__all__ = ["CommandError", "ExitCode", "main"]

EPILOG = """\
environment:
  LIVEKIT_URL          the server that programs connect to; `livekit dev` notes if it is another
  LIVEKIT_API_KEY      the API key that signs tokens and that `livekit dev` takes (default: devkey)
  LIVEKIT_API_SECRET   its secret                                                 (default: secret)

exit codes:
  0  done; also when Ctrl-C or SIGTERM ended a server
  1  failed, the message says why
  2  wrong arguments
  3  cannot listen: the address is taken or not ours
"""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="livekit",
        description="LiveKit in pure Python: a server for development, and tools beside it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"livekit-pure {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (dev, token, replay):
        command.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (see `ExitCode`).

    Raises:
        SystemExit: for `--help`, `--version` and wrong arguments, as argparse does.
    """
    args = build_parser().parse_args(argv)
    logging.basicConfig(format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", level=logging.WARNING)
    try:
        return int(args.run(args))
    except CommandError as error:
        print(f"livekit: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        return ExitCode.FAILED
