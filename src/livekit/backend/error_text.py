"""The error of a call as LiveKit servers tell it, a text: ``RpcError CODE: message``, with ``: data`` if any."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from livekit.rpc.errors import RpcError

SEPARATOR = ": "
MAX_SEPARATORS_TRIED = 32
"""Where data in JSON is looked for; messages are short."""

_TEXT = re.compile(r"RpcError ([0-9]{1,10}): (.*)", re.DOTALL)
_PREFIX = re.compile(r"(?:twirp error \w+: )+")
"""What LiveKit server 1.11 puts before every error of the service: ``twirp error unknown: ``."""


@dataclass(frozen=True, slots=True)
class ErrorText:
    """What was read from a text."""

    code: int
    message: str
    data: str | None
    exact: bool
    """Whether there is no other way to read message and data."""


def parse_error_text(text: str) -> ErrorText | None:
    """Read the text of an error; None if it is not that of a call.

    With several separators, data begins after the message that belongs to the code, else where JSON begins (an object,
    an array or a string), else after the first separator.
    """
    match = _TEXT.fullmatch(strip_twirp_prefix(text))
    if match is None:
        return None
    code, rest = int(match[1]), match[2]
    if SEPARATOR not in rest:
        return ErrorText(code, rest, None, exact=True)
    end = _end_of_message(code, rest)
    return ErrorText(code, rest[:end], rest[end + len(SEPARATOR) :] or None, exact=False)


def strip_twirp_prefix(text: str) -> str:
    """What a server says, without what it puts before everything."""
    prefix = _PREFIX.match(text)
    return text[prefix.end() :] if prefix else text


def _end_of_message(code: int, rest: str) -> int:
    known = _MESSAGES.get(code)
    if known is not None and rest.startswith(known + SEPARATOR):
        return len(known)
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


_MESSAGES = {int(code): message for code, message in RpcError.ErrorMessage.items()}
