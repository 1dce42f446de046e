"""Validation of the page's requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from livekit.server import limits

MAX_LIFETIME_HOURS = 24 * 365
MAX_TIMEOUT = 600.0
"""Seconds."""

MESSAGE_KINDS = ("data", "text", "chat")

_T = TypeVar("_T")


class InputError(ValueError):
    """A value is missing or invalid; the message is shown on the page."""


class TokenInput(NamedTuple):
    room: str
    identity: str
    name: str
    hours: float
    """Time to live of the token."""
    grants: dict[str, Any]


class CallInput(NamedTuple):
    room: str
    to: str
    method: str
    payload: str
    timeout: float
    """Seconds."""


class MessageInput(NamedTuple):
    room: str
    to: str
    """Empty for all participants of the room."""
    kind: str
    topic: str
    text: str
    reliable: bool


class UpdateInput(NamedTuple):
    """Changes of a participant; empty texts change nothing, except those of attributes, which delete them."""

    room: str
    to: str
    name: str
    metadata: str
    attributes: dict[str, str]


def parse_token(body: Mapping[str, Any]) -> TokenInput:
    """Parse a request for a token. Raises InputError."""
    return TokenInput(
        room=_bounded(_required(body, "room", "a room"), limits.MAX_ROOM_NAME, "a room's name"),
        identity=_bounded(_required(body, "identity", "an identity"), limits.MAX_IDENTITY, "an identity"),
        name=_bounded(_value(body, "name", str, ""), limits.MAX_NAME, "a name"),
        hours=_number(body, "hours", 6.0, MAX_LIFETIME_HOURS),
        grants={
            "can_publish_data": _value(body, "publish", bool, True),
            "can_update_own_metadata": _value(body, "update", bool, False) or None,
            "hidden": _value(body, "hidden", bool, False) or None,
            "room_admin": _value(body, "admin", bool, False) or None,
        },
    )


def parse_call(body: Mapping[str, Any]) -> CallInput:
    """Parse a request for a call. Raises InputError."""
    room, to = parse_participant(body)
    return CallInput(
        room=room,
        to=to,
        method=_required(body, "method", "a method"),
        payload=_value(body, "payload", str, ""),
        timeout=_number(body, "timeout", 15.0, MAX_TIMEOUT),
    )


def parse_message(body: Mapping[str, Any]) -> MessageInput:
    """Parse a request to send a message. Raises InputError."""
    kind = _required(body, "kind", "a kind")
    if kind not in MESSAGE_KINDS:
        raise InputError(f"kind must be one of {', '.join(MESSAGE_KINDS)}")
    return MessageInput(
        room=_required(body, "room", "a room"),
        to=_value(body, "to", str, ""),
        kind=kind,
        topic=_value(body, "topic", str, ""),
        text=_value(body, "text", str, ""),
        reliable=_value(body, "reliable", bool, True),
    )


def parse_update(body: Mapping[str, Any]) -> UpdateInput:
    """Parse a request to change a participant. Raises InputError."""
    room, to = parse_participant(body)
    changes: dict[str, object] = _value(body, "attributes", dict, {})
    attributes: dict[str, str] = {}
    for key, value in changes.items():
        _check_text("attributes", key)
        if not key or not isinstance(value, str):
            raise InputError("attributes must have names and text values")
        _check_text("attributes", value)
        attributes[key] = value
    return UpdateInput(room, to, _value(body, "name", str, ""), _value(body, "metadata", str, ""), attributes)


def parse_participant(body: Mapping[str, Any]) -> tuple[str, str]:
    """Parse a room and an identity. Raises InputError."""
    return _required(body, "room", "a room"), _required(body, "to", "a participant")


def parse_payloads(body: Mapping[str, Any]) -> bool:
    """Parse a request to keep payloads or not. Raises InputError."""
    return _value(body, "keep", bool, False)


def _required(body: Mapping[str, Any], name: str, what: str) -> str:
    value = _value(body, name, str, "")
    if not value:
        raise InputError(f"{what} is required")
    return value


def _bounded(text: str, limit: int, what: str) -> str:
    if len(text.encode()) > limit:
        raise InputError(f"{what} is limited to {limit} UTF-8 bytes")
    return text


def _number(body: Mapping[str, Any], name: str, default: float, limit: float) -> float:
    value: object = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= limit:
        raise InputError(f"{name} must be a number above 0 and up to {limit:g}")
    return value


def _value(body: Mapping[str, Any], name: str, kind: type[_T], default: _T) -> _T:
    value = body.get(name, default)
    if not isinstance(value, kind):
        raise InputError(f"{name} must be of type {kind.__name__}")
    if isinstance(value, str):
        _check_text(name, value)
    return value


def _check_text(name: str, text: str) -> None:
    try:
        _ = text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{name} is not valid Unicode") from error
