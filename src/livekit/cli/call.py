"""`livekit call`: call a participant's RPC method."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from .arguments import nonempty, seconds
from .exits import CommandError, ExitCode
from .output import note, to_json
from .requests import absence, command_errors, identities_in
from .settings import add_server_arguments, endpoint_from

if TYPE_CHECKING:
    from livekit.backend.twirp import TwirpEndpoint
    from livekit.rpc import RpcError

    from .argparse_internals import Commands

MAX_PAYLOAD = 1 << 20
"""Limit of standard input in bytes; no server accepts more."""

DESCRIPTION = """\
Call a participant's RPC method and print the response. The server makes the call (RoomService/PerformRpc); this
command does not join the room. LiveKit servers accept payloads of up to 15,360 bytes and repeat the request after 3 s
without a response.
"""

EXAMPLES = """\
examples:
  livekit call --room demo --to alice greet world
  livekit call --room demo --to alice withdraw '{"amount": 3}' --timeout 2
  echo '{"amount": 3}' | livekit call --room demo --to alice withdraw -
"""

_EXIT_CODES = {1401: ExitCode.NOT_FOUND, 1501: ExitCode.TIMEOUT, 1502: ExitCode.TIMEOUT}


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "call",
        help="call a participant's RPC method",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--room", required=True, type=nonempty, metavar="NAME", help="the participant's room")
    parser.add_argument("--to", required=True, type=nonempty, metavar="ID", help="the participant's identity")
    parser.add_argument("method", type=nonempty, metavar="METHOD", help="the name of the RPC method")
    parser.add_argument(
        "payload",
        nargs="?",
        default="",
        metavar="PAYLOAD",
        help="the payload; - for standard input (default: empty)",
    )
    parser.add_argument(
        "--timeout", type=seconds, default=15.0, metavar="SECONDS", help="for the whole call (default: 15)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, also for errors of the call")
    add_server_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    from livekit.backend import Backend
    from livekit.rpc import RpcError

    endpoint = endpoint_from(args)
    payload = decode_payload(read_input()) if args.payload == "-" else args.payload
    try:
        with command_errors(endpoint.url):
            response = Backend(endpoint.url, endpoint.api_key, endpoint.api_secret).perform_rpc_sync(
                room=args.room,
                destination_identity=args.to,
                method=args.method,
                payload=payload,
                response_timeout=args.timeout,
            )
    except RpcError as error:
        is_absent = error.code == RpcError.ErrorCode.RECIPIENT_NOT_FOUND
        cause, present = explain_absence(endpoint, args) if is_absent else ("", None)
        if args.json:
            more = {"participants": present} if is_absent else {}
            note(to_json({**error_fields(error), **more}))
            return _exit_code(error)
        raise CommandError(explain(error, cause), _exit_code(error)) from error
    write_response(to_json({"payload": response}) if args.json else response)
    return ExitCode.DONE


def explain_absence(endpoint: TwirpEndpoint, args: argparse.Namespace) -> tuple[str, list[str] | None]:
    """Return why the callee was not found, and who is in the room; None if the room does not exist."""
    try:
        present = identities_in(endpoint, args.room)
    except CommandError as error:
        return str(error), None
    return "" if args.to in present else absence(args.to, args.room, present), present


def read_input() -> bytes:
    """Read standard input to its end. Raises CommandError."""
    if sys.stdin is None:
        raise CommandError("standard input is closed, so the payload cannot be read from it", ExitCode.USAGE)
    data = sys.stdin.buffer.read(MAX_PAYLOAD + 1)
    if len(data) > MAX_PAYLOAD:
        raise CommandError(f"the payload has more than {MAX_PAYLOAD} bytes, too many for a packet", ExitCode.USAGE)
    return data


def decode_payload(data: bytes) -> str:
    """Decode UTF-8. Raises CommandError."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise CommandError(
            f"standard input is not UTF-8 (byte {error.start}); encode it first, for example with base64",
            ExitCode.USAGE,
        ) from error


def write_response(response: str) -> None:
    """Write a response as UTF-8, whatever the locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(response.encode() + b"\n")
    sys.stdout.buffer.flush()


def error_fields(error: RpcError) -> dict[str, object]:
    """Return the JSON fields of an error."""
    return {"code": int(error.code), "message": error.message, "data": error.data}


def explain(error: RpcError, cause: str = "") -> str:
    """Return the message for an error; a known cause replaces its message and data."""
    data = "" if error.data is None else f"; data: {error.data}"
    return f"error {int(error.code)}: {cause or error.message + data}"


def _exit_code(error: RpcError) -> ExitCode:
    return _EXIT_CODES.get(int(error.code), ExitCode.CALL_FAILED)
