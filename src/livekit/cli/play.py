"""`livekit play`: publish a WAV file as an audio track."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .arguments import nonempty
from .exits import CommandError, ExitCode
from .settings import add_server_arguments, endpoint_from
from .wav import WavError, WavReader

if TYPE_CHECKING:
    from .argparse_internals import Commands

DESCRIPTION = """\
Join a room, publish a WAV file as an audio track, and leave when it is played out. Its samples may be PCM or float, at
any rate.
"""

EXAMPLES = """\
examples:
  livekit play greeting.wav --room demo
  livekit play music.wav --room demo --loop --identity jukebox --source screenshare_audio
"""

SOURCES = ("microphone", "screenshare_audio", "unknown")


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "play",
        help="publish a WAV file as an audio track",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a WAV file")
    parser.add_argument("--room", required=True, type=nonempty, metavar="NAME", help="the room to join")
    parser.add_argument("--identity", type=nonempty, metavar="ID", help="default: player- and a random suffix")
    parser.add_argument("--name", metavar="NAME", help="the track's name (default: the file's)")
    parser.add_argument("--source", choices=SOURCES, default="microphone", help="the track's source")
    parser.add_argument("--loop", action="store_true", help="start again at the end, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_server_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    from livekit._util.event_loop import run as run_on_fastest_loop

    from .player import play

    endpoint = endpoint_from(args)
    require_codec()
    with open_file(args.file) as file:
        try:
            wav = WavReader(file)
        except WavError as error:
            raise CommandError(f"cannot play {str(args.file)!r}: {error}") from error
        return run_on_fastest_loop(play(endpoint, args, wav))


def require_codec() -> None:
    """Raise CommandError if there is no libopus."""
    from livekit.errors import OpusNotFoundError
    from livekit.media.codecs.libopus import load_opus

    try:
        load_opus()
    except OpusNotFoundError as error:
        raise CommandError(str(error)) from error


def open_file(path: Path) -> BinaryIO:
    """Open a file to read. Raises CommandError."""
    try:
        return path.open("rb")
    except OSError as error:
        raise CommandError(f"cannot read {str(path)!r}: {error.strerror}") from error
