"""`livekit dev`: the embedded server on a fixed address."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from typing import TYPE_CHECKING

from livekit._util.event_loop import run as run_on_fastest_loop
from livekit._version import __version__

from .arguments import key_pair, port, webhook_url
from .exits import CommandError, ExitCode
from .logs import log_as_json
from .settings import Settings
from .stopping import stop_requested

if TYPE_CHECKING:
    from livekit.server import DevServer

    from .arguments import Commands

DEFAULT_BIND = "127.0.0.1"
DEFAULT_PORT = 7880
EXAMPLE_ROOM = "demo"
EXAMPLE_IDENTITIES = ("alice", "bob")

DESCRIPTION = """\
Serve LiveKit rooms for development and tests: joining, data and RPC, no audio or video.
It keeps nothing on disk, and its default key is known to everybody: not for production.
"""

BANNER = """\
livekit-pure {version}: a server for development, not for production

  URL         {url}
  API key     {key}
  API secret  {secret}
{console}
Tokens for the room "{room}":
{tokens}

Connect from Python:

  from livekit import Room
  room = Room()
  await room.connect("{url}", TOKEN)

Connect from JavaScript (npm install livekit-client):

  import {{ Room }} from "livekit-client";
  const room = new Room();
  await room.connect("{url}", TOKEN);

More tokens: livekit token --room {room} --identity NAME
Ctrl-C stops the server.
"""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "dev",
        help="serve rooms for development and tests",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bind", default=DEFAULT_BIND, metavar="ADDRESS", help=f"default: {DEFAULT_BIND}")
    parser.add_argument(
        "--port", type=port, default=DEFAULT_PORT, help=f"TCP port, 0 for a free one (default: {DEFAULT_PORT})"
    )
    parser.add_argument(
        "--keys",
        action="append",
        type=key_pair,
        metavar="KEY:SECRET",
        help="an API key and its secret, repeatable (default: from the environment, or devkey:secret)",
    )
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="web pages from outside this machine and its private network that may use the development key, "
        "such as https://app.example.com; repeatable, * for all",
    )
    parser.add_argument(
        "--webhook",
        action="append",
        default=[],
        type=webhook_url,
        metavar="URL",
        help="post what happens in the rooms there, signed with the first key; repeatable",
    )
    parser.add_argument("--no-console", action="store_true", help="serve no page that shows what goes on")
    parser.add_argument("--access-log", action="store_true", help="log every request")
    parser.add_argument("--log-format", choices=("text", "json"), default="text", help="of the log (default: text)")
    parser.add_argument("-v", "--verbose", action="store_true", help="log what happens, requests included")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    from livekit.server import DevServer, WebhookSettings

    if args.verbose:
        logging.getLogger("livekit").setLevel(logging.DEBUG)
    if args.access_log:
        logging.getLogger("livekit.access").setLevel(logging.INFO)
    if args.log_format == "json":
        log_as_json()
    settings = Settings.from_environment()
    server = DevServer(
        args.bind,
        args.port,
        keys=dict(args.keys or [(settings.api_key, settings.api_secret)]),
        allowed_origins=args.allow_origin,
        webhooks=WebhookSettings(args.webhook),
        console=not args.no_console,
    )
    with contextlib.suppress(KeyboardInterrupt):
        run_on_fastest_loop(serve(server))
    return ExitCode.DONE


async def serve(server: DevServer) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        CommandError: the address cannot be listened on.
    """
    from livekit.server import ServerStartError

    stop = stop_requested()
    try:
        async with server:
            print(banner(server), flush=True)
            warn_of_other_url(server.url)
            await stop.wait()
    except ServerStartError as error:
        raise CommandError(str(error), ExitCode.CANNOT_LISTEN) from error
    print("Stopped.", flush=True)


def warn_of_other_url(url: str) -> None:
    other = os.environ.get("LIVEKIT_URL")
    if other and other.rstrip("/") != url:
        print(f"Note: LIVEKIT_URL is {other}: programs that read it connect there, not here.", file=sys.stderr)


def banner(server: DevServer) -> str:
    """What `livekit dev` prints once it serves."""
    tokens = (f"  {identity}\n  {server.token(identity, room=EXAMPLE_ROOM)}" for identity in EXAMPLE_IDENTITIES)
    console = f"  Console     {server.console_url}\n" if server.console_url else ""
    return BANNER.format(
        version=__version__,
        console=console,
        url=server.url,
        key=server.api_key,
        secret=server.api_secret,
        room=EXAMPLE_ROOM,
        tokens="\n\n".join(tokens),
    )
