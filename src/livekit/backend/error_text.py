"""Parser for an RpcError as LiveKit servers format it: ``RpcError CODE: message``, then ``: data`` if any."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from livekit.rpc.errors import RpcError

SEPARATOR = ": "
MAX_SEPARATORS_TRIED = 32
"""Separators after which to look for JSON data. Bounds the work on hostile texts; real messages are short."""

_TEXT = re.compile(r"RpcError ([0-9]{1,10}): (.*)", re.DOTALL)
_PREFIX = re.compile(r"(?:twirp error \w+: )+")
"""Prefix of every Twirp error message of LiveKit server 1.11: ``twirp error unknown: ``."""


@dataclass(frozen=True, slots=True)
class ParsedError:
    """The parts of an RpcError."""

    code: int
    message: str
    data: str | None
    exact: bool
    """True if message and data are unambiguous."""


def parse_error_text(text: str) -> ParsedError | None:
    """Parse an error text; return None if it is not that of an RpcError.

    With several separators, data begins after the code's standard message; else where JSON (an object, an array or a
    string) begins; else after the first separator.
    """
    match = _TEXT.fullmatch(strip_twirp_prefix(text))
    if match is None:
        return None
    code, rest = int(match[1]), match[2]
    if SEPARATOR not in rest:
        return ParsedError(code, rest, None, exact=True)
    end = _end_of_message(code, rest)
    return ParsedError(code, rest[:end], rest[end + len(SEPARATOR) :] or None, exact=False)


def strip_twirp_prefix(text: str) -> str:
    """Return an error message without the prefix ``twirp error CODE: ``."""
    prefix = _PREFIX.match(text)
    return text[prefix.end() :] if prefix else text


def _end_of_message(code: int, rest: str) -> int:
    standard = _STANDARD_MESSAGES.get(code)
    if standard is not None and rest.startswith(standard + SEPARATOR):
        return len(standard)
    end = first = rest.find(SEPARATOR)
    for _ in range(MAX_SEPARATORS_TRIED):
        if _is_json(rest[end + len(SEPARATOR) :]):
            return end
        end = rest.find(SEPARATOR, end + 1)
        if end < 0:
            break
    return first


def _is_json(text: str) -> bool:
    if not text.startswith(("{", "[", '"')):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


_STANDARD_MESSAGES = {int(code): message for code, message in RpcError.ErrorMessage.items()}
