"""The `livekit` command. Each subcommand is a module with `add_parser`; `main` finds and runs it."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence

from livekit._version import __version__

from . import call, completion, dev, listen, participants, replay, room, token
from .exits import CommandError, ExitCode
from .output import printable

__all__ = ["CommandError", "ExitCode", "main"]

EPILOG = """\
environment, and what is taken without:
  LIVEKIT_URL         the server; `livekit dev` notes if it is another     (ws://127.0.0.1:7880)
  LIVEKIT_API_KEY     the key that signs tokens, and that `livekit dev` takes (devkey)
  LIVEKIT_API_SECRET  its secret                                              (secret)

exit codes:
  0  done; also when Ctrl-C or SIGTERM ended `dev` or `listen`
  1  failed, the message says why
  2  wrong arguments or settings
  3  cannot serve: the address is taken or not ours
  4  no LiveKit server answers at the URL
  5  the server refuses the key, the secret or the token
  6  no such room or participant
  7  no answer in time
  8  the call failed; the message begins with its code
  130  interrupted by Ctrl-C
  141  what read the output stopped reading
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
    for command in (dev, token, room, participants, call, listen, replay, completion):
        command.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (see `ExitCode`).

    Raises:
        SystemExit: for `--help`, `--version` and wrong arguments, as argparse does.
    """
    _prepare_output()
    args = build_parser().parse_args(argv)
    logging.basicConfig(format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", level=logging.WARNING)
    try:
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except CommandError as error:
        print(f"livekit: {printable(str(error))}", file=sys.stderr)
        return error.code
    except UnicodeEncodeError:
        print("livekit: an argument is not UTF-8", file=sys.stderr)
        return ExitCode.USAGE
    except BrokenPipeError:
        _drop_output()
        return ExitCode.BROKEN_PIPE
    except OSError as error:
        _drop_output()
        print(f"livekit: {error.strerror or error}", file=sys.stderr)
        return ExitCode.FAILED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def _prepare_output() -> None:
    """Output never fails for its characters, nor because it was closed before the start."""
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]  # `livekit … >&-`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # until the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """What is left to be written at exit must not fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
