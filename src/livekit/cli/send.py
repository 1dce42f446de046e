"""`livekit send`: send a data packet, a text stream or a chat message."""

from __future__ import annotations

import argparse
import secrets
from typing import TYPE_CHECKING

from livekit.streams.topics import CHAT_TOPIC

from .arguments import nonempty
from .call import decode_payload, read_input
from .exits import CommandError, ExitCode
from .output import to_json
from .requests import admin_of, call_service, command_errors, identities_in
from .settings import add_server_arguments, endpoint_from

if TYPE_CHECKING:
    from livekit.backend.twirp import TwirpEndpoint

    from .argparse_internals import Commands

DESCRIPTION = """\
Send a message to a room, or to some of its participants.

kinds:
  data  a data packet; the server sends it (RoomService/SendData)
  text  a text stream; the command joins the room, visible to others, and leaves it again
  chat  the same, as a message of the chat of LiveKit's UI components and agents (topic lk.chat)
"""

EXAMPLES = """\
examples:
  livekit send --room demo --topic temperature 20.5
  livekit send --room demo --to alice --kind chat "How are you?"
  livekit send --room demo --kind text --topic news - < news.txt
"""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "send",
        help="send data, text or a chat message",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--room", required=True, type=nonempty, metavar="NAME", help="the room")
    parser.add_argument(
        "--to", action="append", default=[], type=nonempty, metavar="ID", help="a receiver; repeatable (default: all)"
    )
    parser.add_argument("--kind", choices=("data", "text", "chat"), default="data", help="default: data")
    parser.add_argument("--topic", default="", metavar="TOPIC", help="the topic of data or text")
    parser.add_argument("--lossy", action="store_true", help="send data without retransmission")
    parser.add_argument(
        "--identity", type=nonempty, metavar="ID", help="sender of text or chat (default: sender- and a random suffix)"
    )
    parser.add_argument("payload", metavar="PAYLOAD", help="the content; - for standard input, up to 1 MiB")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_server_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    _check(args)
    endpoint = endpoint_from(args)
    payload = read_input() if args.payload == "-" else args.payload.encode()
    text = "" if args.kind == "data" else decode_payload(payload)
    present = identities_in(endpoint, args.room, args.to)
    if args.kind == "data":
        send_data(endpoint, args, payload)
    else:
        send_text(endpoint, args, text)
    receivers = sorted(set(args.to) or present)
    fields = {"room": args.room, "kind": args.kind, "bytes": len(payload), "receivers": receivers}
    print(to_json(fields) if args.json else f"Sent {len(payload)} bytes to {_count(receivers)} in {args.room!r}.")
    return ExitCode.DONE


def send_data(endpoint: TwirpEndpoint, args: argparse.Namespace, payload: bytes) -> None:
    """Let the server send a data packet. Raises CommandError."""
    from livekit.protocol import models
    from livekit.protocol.room import SendDataRequest, SendDataResponse

    request = SendDataRequest(
        room=args.room,
        data=payload,
        kind=models.DataPacket.LOSSY if args.lossy else models.DataPacket.RELIABLE,
        destination_identities=args.to,
        nonce=secrets.token_bytes(16),
    )
    if args.topic:
        request.topic = args.topic
    call_service(endpoint, "SendData", request, SendDataResponse, admin_of(args.room))


def send_text(endpoint: TwirpEndpoint, args: argparse.Namespace, text: str) -> None:
    """Join the room, send a text stream, and leave. Raises CommandError."""
    from livekit.backend.sync import run_sync

    run_sync(_join_and_send(endpoint, args, text))


async def _join_and_send(endpoint: TwirpEndpoint, args: argparse.Namespace, text: str) -> None:
    from livekit import Room
    from livekit.streams.info import StreamError

    identity = args.identity or f"sender-{secrets.token_hex(3)}"
    token = endpoint.token({"roomJoin": True, "room": args.room}, identity)
    topic = CHAT_TOPIC if args.kind == "chat" else args.topic
    async with Room() as room:
        with command_errors(endpoint.url):
            await room.connect(endpoint.url, token)
        try:
            await room.local_participant.send_text(text, topic=topic, destination_identities=args.to)
        except StreamError as error:
            raise CommandError(f"the text was not sent: {error}") from error


def _check(args: argparse.Namespace) -> None:
    problems = {
        "--lossy applies to --kind data only": args.lossy and args.kind != "data",
        "--identity applies to --kind text and chat only: the server sends data": args.identity and args.kind == "data",
        f"--topic does not apply to --kind chat, whose topic is {CHAT_TOPIC}": args.topic and args.kind == "chat",
    }
    for problem, is_present in problems.items():
        if is_present:
            raise CommandError(problem, ExitCode.USAGE)


def _count(receivers: list[str]) -> str:
    return repr(receivers[0]) if len(receivers) == 1 else f"{len(receivers)} participants"
