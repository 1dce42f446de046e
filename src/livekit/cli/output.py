"""Output formats: tables for terminals, JSON for programs."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime, timezone


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a text table with aligned columns; columns of integers are right-aligned."""
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    right = [all(isinstance(row[index], int) for row in rows) for index in range(len(headers))]
    lines = (
        "  ".join(
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(line, widths, right, strict=True)
        )
        for line in (headers, *cells)
    )
    return "\n".join(line.rstrip() for line in lines)


def printable(text: str) -> str:
    """Escape non-printable characters: text of other participants must not control the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def to_json(value: object) -> str:
    """Return JSON on one line, in ASCII."""
    return json.dumps(value)


def iso_time(milliseconds: int) -> str | None:
    """Return a Unix time in milliseconds as ISO 8601 in UTC; None for 0."""
    if not milliseconds:
        return None
    time = datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def age(milliseconds: int) -> str:
    """Return the time since a Unix time in milliseconds, as ``5s``, ``12m``, ``3h`` or ``2d``; ``-`` for 0."""
    if not milliseconds:
        return "-"
    seconds = max(0, int(datetime.now(tz=timezone.utc).timestamp() - milliseconds / 1000))
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def clock(seconds: float) -> str:
    """Return a duration as ``1:02:03`` or ``0:05``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def drop_output() -> None:
    """Discard buffered output, so that flushing it at exit does not fail again."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def report(text: str) -> None:
    """Print to standard output; if that fails, print a note to standard error and discard all further output.

    For commands that do their work without output too.
    """
    try:
        print(text, flush=True)
    except OSError as error:
        drop_output()
        if not isinstance(error, BrokenPipeError):
            note(f"livekit: no further output: {error.strerror}")


def note(text: str, *, in_place: bool = False) -> None:
    """Print to standard error, if that is possible; `in_place` replaces the line, for progress on a terminal."""
    with contextlib.suppress(OSError):
        if in_place:
            print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)
