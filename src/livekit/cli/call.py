"""`livekit call`: call a method of a participant."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from .arguments import nonempty, seconds
from .exits import CommandError, ExitCode
from .output import to_json
from .requests import command_errors
from .settings import add_server_arguments, server_of

if TYPE_CHECKING:
    from livekit.rpc import RpcError

    from .arguments import Commands

MAX_PAYLOAD = 1 << 20
"""Bytes that are read from standard input; no server takes more."""

DESCRIPTION = """\
Call a method of a participant, as a backend does, and print what it answers. The server makes the call: nobody joins.
LiveKit servers take payloads of at most 15,360 bytes, and send the request again after 3 s without an answer.
"""

EXAMPLES = """\
examples:
  livekit call --room demo --to alice greet world
  livekit call --room demo --to alice withdraw '{"amount": 3}' --timeout 2
  echo '{"amount": 3}' | livekit call --room demo --to alice withdraw -
"""

_EXITS = {1401: ExitCode.NOT_FOUND, 1501: ExitCode.TIMEOUT, 1502: ExitCode.TIMEOUT}


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "call",
        help="call a method of a participant",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--room", required=True, type=nonempty, metavar="NAME")
    parser.add_argument("--to", required=True, type=nonempty, metavar="ID", help="the participant's identity")
    parser.add_argument("method", type=nonempty, metavar="METHOD")
    parser.add_argument(
        "payload",
        nargs="?",
        default="",
        metavar="PAYLOAD",
        help="what is sent; - for standard input (default: nothing)",
    )
    parser.add_argument("--timeout", type=seconds, default=15.0, metavar="SECONDS", help="for the call (default: 15)")
    parser.add_argument("--json", action="store_true", help="print JSON, the error of the call too")
    add_server_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    from livekit.backend import Backend
    from livekit.rpc import RpcError

    server = server_of(args)
    payload = read_payload() if args.payload == "-" else args.payload
    try:
        with command_errors(server.url):
            answer = Backend(server.url, server.api_key, server.api_secret).perform_rpc_sync(
                room=args.room,
                destination_identity=args.to,
                method=args.method,
                payload=payload,
                response_timeout=args.timeout,
            )
    except RpcError as error:
        if args.json:
            print(to_json(error_fields(error)), file=sys.stderr)
            return _exit_of(error)
        raise CommandError(explain(error), _exit_of(error)) from error
    write_answer(to_json({"payload": answer}) if args.json else answer)
    return ExitCode.DONE


def read_payload() -> str:
    """What comes on standard input, to its end. Raises CommandError."""
    if sys.stdin is None:
        raise CommandError("there is no standard input to read the payload from", ExitCode.USAGE)
    data = sys.stdin.buffer.read(MAX_PAYLOAD + 1)
    if len(data) > MAX_PAYLOAD:
        raise CommandError(f"standard input has more than {MAX_PAYLOAD} bytes, too much for a call", ExitCode.USAGE)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise CommandError(
            f"standard input is not UTF-8 (byte {error.start}); encode it first, for example with base64",
            ExitCode.USAGE,
        ) from error


def write_answer(answer: str) -> None:
    """As UTF-8, whatever the terminal is set to."""
    sys.stdout.flush()
    sys.stdout.buffer.write(answer.encode() + b"\n")
    sys.stdout.buffer.flush()


def error_fields(error: RpcError) -> dict[str, object]:
    """An error for programs."""
    return {"code": int(error.code), "message": error.message, "data": error.data}


def explain(error: RpcError) -> str:
    """An error for people."""
    data = "" if error.data is None else f"; data: {error.data}"
    return f"error {int(error.code)}: {error.message}{data}"


def _exit_of(error: RpcError) -> ExitCode:
    return _EXITS.get(int(error.code), ExitCode.CALL_FAILED)
