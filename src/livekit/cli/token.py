"""`livekit token`: create an access token."""

from __future__ import annotations

import argparse
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from livekit._util.jwt import sign_token

from .arguments import attribute, duration, grant, nonempty
from .exits import ExitCode
from .settings import add_key_arguments, key_from

if TYPE_CHECKING:
    from .argparse_internals import Commands

DEFAULT_TTL = timedelta(hours=6)
_DEFAULT_GRANTS = {"canPublish": True, "canSubscribe": True, "canPublishData": True}
"""As in the official SDKs' tokens: without `canPublishData` that of `canPublish` applies."""

DESCRIPTION = """\
Print an access token for one participant and one room, signed with the API secret.

video grants (repeat --grant for several; `--grant hidden` means `--grant hidden=true`):
  canPublishData=false         may not send data, which RPC requires
  hidden                       hidden from other participants
  canUpdateOwnMetadata         may change its own name, metadata and attributes
  roomAdmin, roomCreate, ...   any other video grant of LiveKit
"""

EXAMPLES = """\
examples:
  livekit token --room demo --identity alice
  livekit token --room demo --identity bot --ttl 30m --grant hidden --grant canPublish=false
  TOKEN=$(livekit token --room demo --identity alice)
"""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "token",
        help="create an access token",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--room", required=True, type=nonempty, metavar="NAME", help="the room that the token admits to"
    )
    parser.add_argument("--identity", required=True, type=nonempty, metavar="ID", help="the participant's identity")
    parser.add_argument("--name", default="", help="the participant's display name")
    parser.add_argument("--metadata", default="", metavar="TEXT", help="the participant's metadata")
    parser.add_argument(
        "--attribute",
        action="append",
        default=[],
        type=attribute,
        metavar="KEY=VALUE",
        help="a participant attribute; repeatable",
    )
    parser.add_argument(
        "--ttl",
        type=duration,
        default=DEFAULT_TTL,
        metavar="TIME",
        help="time to live: 90, 45s, 30m, 6h, 2d (default: 6h)",
    )
    parser.add_argument(
        "--grant", action="append", default=[], type=grant, metavar="NAME[=VALUE]", help="a video grant; repeatable"
    )
    add_key_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    api_key, api_secret = key_from(args)
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": api_key,
        "sub": args.identity,
        "nbf": now,
        "exp": now + int(args.ttl.total_seconds()),
        "video": {"room": args.room, "roomJoin": True, **_DEFAULT_GRANTS, **dict(args.grant)},
    }
    optional = {"name": args.name, "metadata": args.metadata, "attributes": dict(args.attribute)}
    claims.update({name: value for name, value in optional.items() if value})
    print(sign_token(claims, api_secret))
    return ExitCode.DONE
