"""`livekit replay`: print a recording of data packets."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeGuard, cast

from .arguments import packet_kind
from .exits import CommandError, ExitCode
from .output import printable

if TYPE_CHECKING:
    from .argparse_internals import Commands

DESCRIPTION = """\
Print recorded data packets, one per line: time, sender and receiver, kind, fields. A room records its packets to the
file named by the environment variable LIVEKIT_RECORD; with LIVEKIT_RECORD_PAYLOADS=1 payloads are included.
"""

MAX_TIME = 2.0**37
"""Unix seconds up to which times can be shown."""
_COMMON = ("time", "local", "way", "peer", "kind")


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("replay", help="print a recording of data packets", description=DESCRIPTION)
    parser.add_argument("file", metavar="FILE", help="the recording; - for standard input")
    parser.add_argument("--call", metavar="REQUEST_ID", help="print only packets of this RPC call")
    parser.add_argument(
        "--kind", type=packet_kind, metavar="KIND", help="print only packets of this kind, such as rpc_request"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    with _open(args.file) as lines:
        for entry in _entries(lines, args.file):
            if args.call and args.call not in (entry.get("request_id"), entry.get("stream_id")):
                continue
            if args.kind and args.kind != entry["kind"]:
                continue
            print(format_entry(entry))
    return ExitCode.DONE


def _open(name: str) -> AbstractContextManager[TextIO]:
    """Open a file, or standard input for `-`. Raises CommandError."""
    if name == "-":
        if sys.stdin is None:
            raise CommandError("standard input is closed, so the recording cannot be read from it", ExitCode.USAGE)
        return contextlib.nullcontext(sys.stdin)
    try:
        return Path(name).open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CommandError(f"cannot read {name}: {error.strerror}") from error


def _entries(lines: Iterable[str], name: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CommandError(f"{name}, line {number}: not JSON; this is probably not a recording") from error
        if not _is_packet(entry):
            raise CommandError(f"{name}, line {number}: not a recorded packet")
        yield entry


def _is_packet(entry: object) -> TypeGuard[dict[str, Any]]:
    if not isinstance(entry, dict):
        return False
    fields = cast("dict[str, object]", entry)
    time, peer = fields.get("time"), fields.get("peer")
    receivers = cast("list[object]", peer) if isinstance(peer, list) else [peer]
    texts = (fields.get("local"), fields.get("way"), fields.get("kind"), *receivers)
    return isinstance(time, (int, float)) and 0 <= time <= MAX_TIME and all(isinstance(text, str) for text in texts)


def format_entry(entry: dict[str, Any]) -> str:
    """Return a packet as a line of text: ``12:03:04.567  alice → bob  rpc_request  method=add …``."""
    at = datetime.fromtimestamp(entry["time"], tz=timezone.utc).strftime("%H:%M:%S.%f")[:-3]
    peer: str | list[str] = entry["peer"]
    remote = printable(", ".join(peer) or "everyone" if isinstance(peer, list) else peer or "(unnamed)")
    arrow = "→" if entry["way"] == "out" else "←"
    rest = "  ".join(f"{key}={_value(value)}" for key, value in entry.items() if key not in _COMMON and value != "")
    return f"{at}  {printable(entry['local'])} {arrow} {remote}  {entry['kind']}  {rest}".rstrip()


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) and not value.isprintable() else str(value)
