"""The `livekit` command line. Each subcommand is a module with an `add_parser` function."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence

from livekit._version import __version__

from . import call, completion, dev, listen, methods, participants, play, record, replay, room, send, token
from .exits import CommandError, ExitCode
from .output import drop_output, note, printable
from .parser import Parser

__all__ = ["CommandError", "ExitCode", "main"]

EPILOG = """\
environment (and defaults):
  LIVEKIT_URL         the server to connect to                            (ws://127.0.0.1:7880)
  LIVEKIT_API_KEY     the API key         (devkey, for a server on this machine)
  LIVEKIT_API_SECRET  the key's secret    (secret, for a server on this machine)

exit codes:
  0  success; also if Ctrl-C or SIGTERM stopped `dev`, `listen`, `record` or `play --loop`
  1  failure; see the message
  2  invalid arguments or settings
  3  cannot listen: the address is in use or not local
  4  no LiveKit server responds at the URL
  5  the server rejected the key, the secret or the token
  6  no such room or participant
  7  timed out
  8  the RPC call failed; the message begins with the error code
  130  interrupted by Ctrl-C
  141  broken pipe: the reader of the output has exited
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line. Parsed arguments have `run`, and the parser itself as `parser`."""
    parser = Parser(
        prog="livekit",
        description="LiveKit in pure Python: a development server and command-line tools.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"livekit-pure {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (dev, token, room, participants, methods, call, send, listen, play, record, replay, completion):
        command.add_parser(commands)
    parser.set_defaults(parser=parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (see `ExitCode`).

    Raises:
        SystemExit: for `--help`, `--version` and wrong arguments, as argparse does.
    """
    try:
        _prepare_output()
        try:
            args = build_parser().parse_args(argv)
        except SystemExit:
            sys.stdout.flush()  # the help
            raise
        logging.basicConfig(format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", level=logging.WARNING)
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except CommandError as error:
        return _fail(str(error), error.code)
    except UnicodeEncodeError:
        return _fail("an argument is not UTF-8", ExitCode.USAGE)
    except BrokenPipeError:
        drop_output()
        return ExitCode.BROKEN_PIPE
    except OSError as error:
        drop_output()
        return _fail(error.strerror or str(error), ExitCode.FAILED)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def _fail(message: str, code: ExitCode) -> ExitCode:
    note(f"livekit: {printable(message)}")
    return code


def _prepare_output() -> None:
    """Escape characters that the output cannot encode, and replace closed standard streams with /dev/null."""
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]  # `livekit … >&-`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # until exit
    if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
