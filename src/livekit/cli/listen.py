"""`livekit listen`: join a room and print what happens there."""

from __future__ import annotations

import argparse
import contextlib
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from livekit._util.event_loop import run as run_on_fastest_loop

from .arguments import method_answer, nonempty
from .exits import CommandError, ExitCode
from .requests import command_errors
from .settings import add_server_arguments, server_of
from .stopping import stop_requested

if TYPE_CHECKING:
    from livekit import Room, RpcInvocationData
    from livekit.backend.twirp import Server

    from .arguments import Commands
    from .listen_events import Listener, TextListener

CHAT_TOPIC = "lk.chat"
"""Where LiveKit's components chat."""

DESCRIPTION = """\
Join a room and print who comes and goes, data packets, chat, texts and calls, until Ctrl-C. Others see the listener
as a participant; it can be called, and answers the methods that --method names.
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
        help="join a room and print what happens",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--room", required=True, type=nonempty, metavar="NAME")
    parser.add_argument("--identity", type=nonempty, metavar="ID", help="default: listener- and something random")
    parser.add_argument(
        "--method",
        action="append",
        default=[],
        type=method_answer,
        metavar="NAME[=ANSWER]",
        help="answer calls of this method, repeatable (default answer: the payload)",
    )
    parser.add_argument(
        "--topic",
        action="append",
        default=[CHAT_TOPIC],
        metavar="TOPIC",
        help=f"print text streams of this topic too, repeatable (besides {CHAT_TOPIC})",
    )
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each event")
    add_server_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    server = server_of(args)
    with contextlib.suppress(KeyboardInterrupt):
        run_on_fastest_loop(listen(server, args))
    return ExitCode.DONE


async def listen(server: Server, args: argparse.Namespace) -> None:
    """Print what happens in a room until the command is told to stop.

    Raises:
        CommandError: the room cannot be joined, or it ended.
        OSError: what reads the output stopped.
    """
    from livekit import Room

    from .listen_events import Listener, TextListener

    stop = stop_requested()
    listener = Listener(stop, as_json=args.json)
    texts = TextListener(listener.show)
    identity = args.identity or f"listener-{secrets.token_hex(3)}"
    async with contextlib.aclosing(texts), Room() as room:
        prepare(room, listener, texts, args)
        with command_errors(server.url):
            await room.connect(server.url, server.token({"roomJoin": True, "room": args.room}, identity))
        there = sorted(room.remote_participants)
        listener.show("connected", room=args.room, identity=identity, participants=there)
        await stop.wait()
        if listener.failure is not None:
            raise listener.failure
        if not room.isconnected():
            raise CommandError(f"the room ended: {listener.end}")


def prepare(room: Room, listener: Listener, texts: TextListener, args: argparse.Namespace) -> None:
    """Print and answer from the first moment on, which is before `connect`."""
    from livekit._room.rpc_access import add_rpc_interceptor

    from .listen_events import CallListener

    listener.listen_to(room)
    add_rpc_interceptor(room, CallListener(listener.show))
    for topic in set(args.topic):
        room.register_text_stream_handler(topic, texts)
    for method, told in dict(args.method).items():
        room.register_rpc_method(method, _answering(told))


def _answering(told: str | None) -> Callable[[RpcInvocationData], str]:
    return lambda data: data.payload if told is None else told
