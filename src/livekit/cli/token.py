"""`livekit token`: create an access token."""

from __future__ import annotations

import argparse
import dataclasses
import warnings
from datetime import timedelta
from typing import TYPE_CHECKING

from .arguments import attribute, duration, grant, nonempty
from .exits import ExitCode
from .settings import ApiKey

if TYPE_CHECKING:
    from .argparse_internals import Commands

DEFAULT_TTL = timedelta(hours=6)

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
    parser.add_argument("--api-key", metavar="KEY", help="default: LIVEKIT_API_KEY, or devkey")
    parser.add_argument("--api-secret", metavar="SECRET", help="default: LIVEKIT_API_SECRET, or secret")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    from livekit.api import AccessToken, VideoGrants

    default_key = ApiKey.from_environment()
    token = AccessToken(args.api_key or default_key.key, args.api_secret or default_key.secret)
    token.with_identity(args.identity).with_name(args.name).with_metadata(args.metadata).with_ttl(args.ttl)
    token.with_attributes(dict(args.attribute))
    grants = dataclasses.replace(VideoGrants(room_join=True, room=args.room), **dict(args.grant))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyJWT warns about the short development secret
        print(token.with_grants(grants).to_jwt())
    return ExitCode.DONE
