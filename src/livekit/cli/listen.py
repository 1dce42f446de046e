"""`livekit listen`: join a room and print its events."""

from __future__ import annotations

import argparse
import contextlib
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from livekit.streams.topics import CHAT_TOPIC

from .arguments import method_response, nonempty
from .exits import CommandError, ExitCode
from .requests import command_errors
from .settings import add_server_arguments, endpoint_from

if TYPE_CHECKING:
    from livekit import Room, RpcInvocationData
    from livekit.backend.twirp import TwirpEndpoint

    from .argparse_internals import Commands
    from .listen_events import Listener, TextListener

DESCRIPTION = """\
Join a room and print its events until Ctrl-C: participants, tracks, data packets, chat, text streams, RPC calls. The
listener is a regular participant, visible to other participants; --method makes it respond to RPC calls.
"""

EXAMPLES = """\
examples:
  livekit listen --room demo
  livekit listen --room demo --identity alice --method greet=hello --method echo
  livekit listen --room demo --json | jq 'select(.event == "data_received")'
"""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "listen",
        help="join a room and print its events",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--room", required=True, type=nonempty, metavar="NAME", help="the room to join")
    parser.add_argument("--identity", type=nonempty, metavar="ID", help="default: listener- and a random suffix")
    parser.add_argument(
        "--method",
        action="append",
        default=[],
        type=method_response,
        metavar="NAME[=RESPONSE]",
        help="respond to calls of this RPC method; repeatable (default response: the payload)",
    )
    parser.add_argument(
        "--topic",
        action="append",
        default=[CHAT_TOPIC],
        metavar="TOPIC",
        help=f"also print text streams of this topic; repeatable ({CHAT_TOPIC} is always printed)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    add_server_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    from livekit._util.event_loop import run as run_on_fastest_loop

    return run_on_fastest_loop(listen(endpoint_from(args), args))


async def listen(endpoint: TwirpEndpoint, args: argparse.Namespace) -> ExitCode:
    """Print the events of a room until SIGINT or SIGTERM; return INTERRUPTED for one before it is joined.

    Raises:
        CommandError: joining failed, or the room was closed.
        OSError: standard output failed, such as a broken pipe.
    """
    from livekit import Room, RoomOptions

    from .listen_events import Listener, TextListener
    from .signals import finished_before, stop_requested

    stop = stop_requested()
    listener = Listener(stop, as_json=args.json)
    texts = TextListener(listener.show)
    identity = args.identity or f"listener-{secrets.token_hex(3)}"
    async with contextlib.aclosing(texts), Room() as room:
        prepare(room, listener, texts, args)
        token = endpoint.token({"roomJoin": True, "room": args.room}, identity)
        options = RoomOptions(auto_subscribe=False)  # tracks are printed, not heard
        with command_errors(endpoint.url):
            if not await finished_before(stop, room.connect(endpoint.url, token, options=options)):
                return ExitCode.INTERRUPTED
        participants = sorted(room.remote_participants)
        listener.show("connected", room=args.room, identity=identity, participants=participants)
        listener.show_tracks(room)
        await stop.wait()
        if listener.failure is not None:
            raise listener.failure
        if not room.isconnected():
            raise CommandError(f"disconnected: {listener.disconnect_reason}")
    return ExitCode.DONE


def prepare(room: Room, listener: Listener, texts: TextListener, args: argparse.Namespace) -> None:
    """Register all handlers before `connect`, so that no event or call is missed."""
    from livekit._room.rpc_access import add_rpc_interceptor

    from .listen_events import CallListener

    listener.listen_to(room)
    add_rpc_interceptor(room, CallListener(listener.show))
    for topic in set(args.topic):
        room.register_text_stream_handler(topic, texts)
    for method, response in dict(args.method).items():
        room.register_rpc_method(method, _handler(response))


def _handler(response: str | None) -> Callable[[RpcInvocationData], str]:
    return lambda data: data.payload if response is None else response
