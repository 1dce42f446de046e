"""`livekit replay`: print a recording of data packets."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .exits import CommandError, ExitCode

if TYPE_CHECKING:
    from .argparse_internals import Commands

DESCRIPTION = """\
Print recorded data packets, one per line: time, sender and receiver, kind, fields. A room records its packets to the
file named by the environment variable LIVEKIT_RECORD; with LIVEKIT_RECORD_PAYLOADS=1 payloads are included.
"""

_COMMON = ("time", "local", "way", "peer", "kind")


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("replay", help="print a recording of data packets", description=DESCRIPTION)
    parser.add_argument("file", metavar="FILE", help="the recording; - for standard input")
    parser.add_argument("--call", metavar="REQUEST_ID", help="print only packets of this RPC call")
    parser.add_argument("--kind", metavar="KIND", help="print only packets of this kind, such as rpc_request")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    try:
        lines = sys.stdin if args.file == "-" else Path(args.file).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise CommandError(f"cannot read {args.file}: {error.strerror}") from error
    for entry in _entries(lines, args.file):
        if args.call and args.call not in (entry.get("request_id"), entry.get("stream_id")):
            continue
        if args.kind and args.kind != entry["kind"]:
            continue
        print(format_entry(entry))
    return ExitCode.DONE


def _entries(lines: Iterable[str], name: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise CommandError(f"{name}, line {number}: not JSON; this is probably not a recording") from error
        if not isinstance(entry, dict) or any(key not in entry for key in _COMMON):
            raise CommandError(f"{name}, line {number}: not a recorded packet")
        yield entry


def format_entry(entry: dict[str, Any]) -> str:
    """Return a packet as a line of text: ``12:03:04.567  alice → bob  rpc_request  method=add …``."""
    at = datetime.fromtimestamp(entry["time"], tz=timezone.utc).strftime("%H:%M:%S.%f")[:-3]
    peer: str | list[str] = entry["peer"]
    remote = ", ".join(peer) or "everyone" if isinstance(peer, list) else peer or "(unnamed)"
    arrow = "→" if entry["way"] == "out" else "←"
    rest = "  ".join(f"{key}={_value(value)}" for key, value in entry.items() if key not in _COMMON and value != "")
    return f"{at}  {entry['local']} {arrow} {remote}  {entry['kind']}  {rest}".rstrip()


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) and not value.isprintable() else str(value)
