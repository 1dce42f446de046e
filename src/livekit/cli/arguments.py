"""Parsers of argument values. Each raises ArgumentTypeError with a message for the user."""

from __future__ import annotations

import argparse
import dataclasses
import ipaddress
import math
import re
from datetime import timedelta

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def port(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"must be a port from 0 to 65535, not {text!r}")
    return int(text)


def ip_address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be an IP address, not {text!r}") from None
    if address.is_unspecified:
        raise argparse.ArgumentTypeError(f"must be an address that clients can reach, not {text}")
    return str(address)


def key_pair(text: str) -> tuple[str, str]:
    key, _, secret = text.partition(":")
    if not key.strip() or not secret.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form KEY:SECRET")
    return key.strip(), secret.strip()


def webhook_url(text: str) -> str:
    from livekit.server import WebhookSettings

    try:
        WebhookSettings([text])
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def nonempty(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def duration(text: str) -> timedelta:
    """Parse `90` (seconds), `45s`, `30m`, `6h` or `2d`."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    if match is None or int(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration such as 90, 45s, 30m, 6h or 2d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2] or "s"])


def room_timeout(text: str) -> float:
    """Parse a duration, or 0; return seconds."""
    return 0.0 if text == "0" else duration(text).total_seconds()


def count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number below 2^32")
    return int(text)


def seconds(text: str) -> float:
    """Parse `0.5` or `15`."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number of seconds, not {text!r}")
    return value


def attribute(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form KEY=VALUE")
    return key, value


def packet_kind(text: str) -> str:
    """Parse the kind of a recorded packet, such as `rpc_request`."""
    from livekit.protocol import models

    kinds = sorted([*(field.name for field in models.DataPacket.DESCRIPTOR.oneofs_by_name["value"].fields), "empty"])
    if text not in kinds:
        raise argparse.ArgumentTypeError(f"unknown kind {text!r}; valid kinds: {', '.join(kinds)}")
    return text


def method_response(text: str) -> tuple[str, str | None]:
    """Parse `NAME` or `NAME=RESPONSE`."""
    name, equals, response = text.partition("=")
    return nonempty(name), response if equals else None


def grant(text: str) -> tuple[str, bool | str | list[str]]:
    """Parse `hidden`, `canPublishData=false`, `destinationRoom=x` or `canPublishSources=camera,microphone`.

    Returns the name in camelCase, as tokens have it.
    """
    from livekit.api import VideoGrants

    name, _, value = text.partition("=")
    field = re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()
    kinds = {known.name: str(known.type) for known in dataclasses.fields(VideoGrants)}
    kind = kinds.get(field)
    if kind is None or field == "room":
        known = ", ".join(sorted(kinds.keys() - {"room"}))
        raise argparse.ArgumentTypeError(f"unknown grant {name!r}; valid grants: {known}")
    claim = re.sub(r"_([a-z])", lambda match: match[1].upper(), field)
    if "bool" in kind:
        truth = {"": True, "true": True, "false": False}.get(value.lower())
        if truth is None:
            raise argparse.ArgumentTypeError(f"{name} must be true or false, not {value!r}")
        return claim, truth
    if not value:
        raise argparse.ArgumentTypeError(f"{name} needs a value: --grant {name}=VALUE")
    return claim, value.split(",") if "List" in kind else value
