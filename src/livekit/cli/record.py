"""`livekit record`: record a participant's audio as a WAV file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import duration, nonempty, seconds
from .exits import CommandError, ExitCode
from .play import SOURCES, require_codec
from .settings import add_server_arguments, endpoint_from
from .wav import MAX_RATE

if TYPE_CHECKING:
    from .argparse_internals import Commands

DESCRIPTION = """\
Join a room and record the audio track of one participant as a WAV file of 16-bit samples, until the participant leaves,
for a given time, or until Ctrl-C. It waits for the participant and for the track. The file is valid at any time.
"""

EXAMPLES = """\
examples:
  livekit record --room demo --from alice alice.wav
  livekit record --room demo --from agent --duration 30s --rate 16000 answer.wav
"""

MIN_RATE = 100


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "record",
        help="record a participant's audio as a WAV file",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--room", required=True, type=nonempty, metavar="NAME", help="the room to join")
    parser.add_argument(
        "--from", required=True, type=nonempty, metavar="ID", dest="sender", help="the participant to record"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the WAV file to write; replaced if it exists")
    parser.add_argument("--source", choices=SOURCES, help="the track's source (default: the microphone, or any)")
    parser.add_argument("--duration", type=duration, metavar="TIME", help="stop after 90 (seconds), 45s, 30m or 6h")
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS", help="limit on the wait for the track")
    parser.add_argument("--rate", type=sample_rate, default=48_000, metavar="HZ", help="default: 48000")
    parser.add_argument("--channels", type=int, choices=(1, 2), default=1, help="default: 1")
    parser.add_argument("--identity", type=nonempty, metavar="ID", help="default: recorder- and a random suffix")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_server_arguments(parser)
    parser.set_defaults(run=run)


def sample_rate(text: str) -> int:
    """Parse a sample rate in Hz."""
    if not (text.isascii() and text.isdecimal()) or not MIN_RATE <= int(text) <= MAX_RATE:
        raise argparse.ArgumentTypeError(f"must be a rate from {MIN_RATE} to {MAX_RATE} Hz, not {text!r}")
    return int(text)


def run(args: argparse.Namespace) -> ExitCode:
    from livekit._util.event_loop import run as run_on_fastest_loop

    from .recorder import record

    endpoint = endpoint_from(args)
    require_codec()
    if args.file.is_dir() or not args.file.absolute().parent.is_dir():
        raise CommandError(f"cannot write {str(args.file)!r}: it is no file in an existing directory")
    return run_on_fastest_loop(record(endpoint, args))
