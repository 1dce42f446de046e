"""`livekit methods`: list the RPC methods of a room's participants."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .arguments import nonempty
from .exits import ExitCode
from .output import table, to_json
from .requests import command_errors, identities_in
from .settings import add_server_arguments, endpoint_from

if TYPE_CHECKING:
    from livekit.backend.twirp import TwirpEndpoint

    from .argparse_internals import Commands

TIMEOUT = 2.5
"""Seconds for a participant to respond; LiveKit servers would repeat the request after 3 s."""

DESCRIPTION = """\
List the RPC methods that the participants of a room have registered. Participants with this SDK report them; those with
other SDKs do not, and are shown as unknown.
"""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "methods", help="list the RPC methods of a room's participants", description=DESCRIPTION
    )
    parser.add_argument("--room", required=True, type=nonempty, metavar="NAME", help="the room")
    parser.add_argument(
        "--of", type=nonempty, metavar="ID", help="list only the methods of this participant (default: of all)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_server_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    from livekit.backend.sync import run_sync

    endpoint = endpoint_from(args)
    present = identities_in(endpoint, args.room, [] if args.of is None else [args.of])
    asked = present if args.of is None else [args.of]
    with command_errors(endpoint.url):
        found = dict(zip(asked, run_sync(ask_all(endpoint, args.room, asked)), strict=True))
    if args.json:
        print(to_json([{"identity": identity, "methods": methods} for identity, methods in found.items()]))
    elif found:
        print(table(("IDENTITY", "METHODS"), [(identity, _shown(methods)) for identity, methods in found.items()]))
    else:
        print("No participants.")
    return ExitCode.DONE


async def ask_all(endpoint: TwirpEndpoint, room: str, identities: list[str]) -> list[list[str] | None]:
    """Return the methods of each participant; None for one that does not report them. Raises ConnectError."""
    import asyncio

    from livekit.backend import Backend
    from livekit.rpc import RpcError, wire

    backend = Backend(endpoint.url, endpoint.api_key, endpoint.api_secret)

    async def ask(identity: str) -> list[str] | None:
        try:
            response = await backend.perform_rpc(
                room=room,
                destination_identity=identity,
                method=wire.METHODS_METHOD,
                payload="",
                response_timeout=TIMEOUT,
            )
        except RpcError:
            return None
        return wire.parse_methods(response)

    return await asyncio.gather(*map(ask, identities))


def _shown(methods: list[str] | None) -> str:
    return "(unknown)" if methods is None else ", ".join(methods) or "(none)"
