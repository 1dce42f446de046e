"""`livekit dev`: the embedded server on a fixed address."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
from typing import TYPE_CHECKING

from livekit._version import __version__
from livekit.backend.settings import DEV_URL, MissingKeyError, key_setting

from .arguments import ip_address, key_pair, port, room_timeout, webhook_url
from .exits import CommandError, ExitCode
from .logs import log_as_json
from .output import note, report

if TYPE_CHECKING:
    from livekit.server import DevServer, RoomSettings

    from .argparse_internals import Commands

DEFAULT_BIND = "127.0.0.1"
DEFAULT_PORT = 7880
EXAMPLE_ROOM = "demo"
EXAMPLE_IDENTITIES = ("alice", "bob")

DESCRIPTION = """\
Run a LiveKit server for development and tests: rooms, data, RPC, and audio and video tracks.
Not for production: it stores nothing on disk, and its default API key is public.
"""

BANNER = """\
livekit-pure {version}: a server for development, not for production

  URL         {url}
  API key     {key}
  API secret  {secret}
{ports}{console}
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

For more tokens: livekit token --room {room} --identity NAME
Press Ctrl-C to stop.
"""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "dev",
        help="run a server for development and tests",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_address_arguments(parser)
    _add_client_arguments(parser)
    _add_room_arguments(parser)
    parser.add_argument("--no-console", action="store_true", help="do not serve the web console")
    parser.add_argument("--access-log", action="store_true", help="log every request")
    parser.add_argument("--log-format", choices=("text", "json"), default="text", help="log format (default: text)")
    parser.add_argument("-v", "--verbose", action="store_true", help="log at debug level, including requests")
    parser.set_defaults(run=run)


def _add_address_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for addresses and ports."""
    parser.add_argument(
        "--bind", default=DEFAULT_BIND, metavar="ADDRESS", help=f"address to listen on (default: {DEFAULT_BIND})"
    )
    parser.add_argument(
        "--port", type=port, default=DEFAULT_PORT, help=f"TCP port, 0 for a free one (default: {DEFAULT_PORT})"
    )
    parser.add_argument(
        "--node-ip",
        action="append",
        default=[],
        type=ip_address,
        metavar="ADDRESS",
        help="IP address at which clients reach this machine, such as that of a container's host; repeatable (default: "
        "the addresses of this machine)",
    )
    parser.add_argument(
        "--udp-port",
        type=port,
        metavar="PORT",
        help="one UDP port for the WebRTC traffic of all participants, 0 for a free one (default: ports of their own)",
    )
    parser.add_argument(
        "--tcp-port",
        type=port,
        metavar="PORT",
        help="TCP port for the WebRTC traffic of clients that cannot use UDP, 0 for a free one (default: none)",
    )


def _add_client_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for API keys, web pages and webhooks."""
    parser.add_argument(
        "--keys",
        action="append",
        type=key_pair,
        metavar="KEY:SECRET",
        help="accept this API key and secret; repeatable (default: from the environment, or devkey:secret)",
    )
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="let web pages of this origin use the development key even if it is outside this machine and its private "
        "network, such as https://app.example.com; repeatable, * for all",
    )
    parser.add_argument(
        "--webhook",
        action="append",
        default=[],
        type=webhook_url,
        metavar="URL",
        help="post webhooks to this URL, signed with the first key; repeatable",
    )


def _add_room_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the lifetime of rooms."""
    parser.add_argument(
        "--empty-timeout",
        type=room_timeout,
        metavar="DURATION",
        help="close a room that nobody has joined after this time, unless it was created with another one "
        "(default: 5m)",
    )
    parser.add_argument(
        "--departure-timeout",
        type=room_timeout,
        metavar="DURATION",
        help="keep a room for this time after its last participant left, so that clients that return find it as it "
        "was; 0 closes it at once (default: 20s)",
    )


def run(args: argparse.Namespace) -> ExitCode:
    from livekit._util.event_loop import run as run_on_fastest_loop
    from livekit.server import DevServer, WebhookSettings

    if args.verbose:
        logging.getLogger("livekit").setLevel(logging.DEBUG)
    if args.access_log:
        logging.getLogger("livekit.access").setLevel(logging.INFO)
    if args.log_format == "json":
        log_as_json()
    server = DevServer(
        args.bind,
        args.port,
        keys=keys_from(args),
        allowed_origins=args.allow_origin,
        room_settings=room_settings(args),
        webhooks=WebhookSettings(args.webhook),
        console=not args.no_console,
        node_ip=args.node_ip,
        udp_port=args.udp_port,
        tcp_port=args.tcp_port,
    )
    with contextlib.suppress(KeyboardInterrupt):
        run_on_fastest_loop(serve(server))
    return ExitCode.DONE


def room_settings(args: argparse.Namespace) -> RoomSettings:
    """Return the settings of rooms, with defaults for options that are not given."""
    from livekit.server import RoomSettings

    timeouts = {name: getattr(args, name) for name in ("empty_timeout", "departure_timeout")}
    return RoomSettings(**{name: value for name, value in timeouts.items() if value is not None})


def keys_from(args: argparse.Namespace) -> dict[str, str]:
    """Return the API keys that the arguments or the environment name, or the development key. Raises CommandError."""
    if args.keys:
        return dict(args.keys)
    try:
        key, secret = key_setting(DEV_URL, None, None)
    except MissingKeyError as error:
        raise CommandError(
            "LIVEKIT_API_KEY and LIVEKIT_API_SECRET must both be set, or neither; --keys KEY:SECRET replaces them",
            ExitCode.USAGE,
        ) from error
    return {key: secret}


async def serve(server: DevServer) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        CommandError: cannot listen on the address.
    """
    from livekit.server import ServerStartError

    from .signals import stop_requested

    stop = stop_requested()
    try:
        async with server:
            report(banner(server))
            warn_of_other_url(server.url)
            await stop.wait()
    except ServerStartError as error:
        raise CommandError(str(error), ExitCode.CANNOT_LISTEN) from error
    report("Stopped.")


def warn_of_other_url(url: str) -> None:
    """Warn if LIVEKIT_URL names another server."""
    other = os.environ.get("LIVEKIT_URL")
    if other and other.rstrip("/") != url:
        note(f"Note: LIVEKIT_URL is {other}; programs that use it will not connect to this server.")


def banner(server: DevServer) -> str:
    """Return the text that is printed once the server listens."""
    tokens = (f"  {identity}\n  {server.token(identity, room=EXAMPLE_ROOM)}" for identity in EXAMPLE_IDENTITIES)
    console = f"  Console     {server.console_url}\n" if server.console_url else ""
    shared = (("UDP", server.udp_port), ("TCP", server.tcp_port))
    ports = ", ".join(f"{protocol} port {number}" for protocol, number in shared if number is not None)
    return BANNER.format(
        version=__version__,
        ports=f"  WebRTC      {ports}\n" if ports else "",
        console=console,
        url=server.url,
        key=server.api_key,
        secret=server.api_secret,
        room=EXAMPLE_ROOM,
        tokens="\n\n".join(tokens),
    )
