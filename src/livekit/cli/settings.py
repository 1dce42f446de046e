"""Settings from arguments and from the environment variables that all LiveKit tools use."""

from __future__ import annotations

import argparse
import ipaddress
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .exits import CommandError, ExitCode

if TYPE_CHECKING:
    from livekit.backend.twirp import TwirpEndpoint

DEV_URL = "ws://127.0.0.1:7880"
DEV_KEY = "devkey"
DEV_SECRET = "secret"


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """An API key."""

    key: str
    secret: str

    @classmethod
    def from_environment(cls) -> ApiKey:
        """Read LIVEKIT_API_KEY and LIVEKIT_API_SECRET; unset or empty ones default to the development key."""
        return cls(
            key=os.environ.get("LIVEKIT_API_KEY") or DEV_KEY,
            secret=os.environ.get("LIVEKIT_API_SECRET") or DEV_SECRET,
        )


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that select a server and an API key."""
    group = parser.add_argument_group("server")
    group.add_argument("--url", metavar="URL", help=f"default: LIVEKIT_URL, or {DEV_URL} (`livekit dev`)")
    group.add_argument("--api-key", metavar="KEY", help=f"default: LIVEKIT_API_KEY, or {DEV_KEY} on this machine")
    group.add_argument(
        "--api-secret", metavar="SECRET", help=f"default: LIVEKIT_API_SECRET, or {DEV_SECRET} on this machine"
    )


def endpoint_from(args: argparse.Namespace) -> TwirpEndpoint:
    """Return the server that the arguments and the environment select.

    Raises:
        CommandError: a setting is missing or invalid.
    """
    from livekit.backend.twirp import TwirpEndpoint

    url = args.url or os.environ.get("LIVEKIT_URL") or DEV_URL
    key = args.api_key or os.environ.get("LIVEKIT_API_KEY")
    secret = args.api_secret or os.environ.get("LIVEKIT_API_SECRET")
    if not key and not secret and is_loopback(url):
        key, secret = DEV_KEY, DEV_SECRET
    missing = [name for name, value in (("LIVEKIT_API_KEY", key), ("LIVEKIT_API_SECRET", secret)) if not value]
    if missing:
        options = " and ".join(name.removeprefix("LIVEKIT_").lower().replace("_", "-") for name in missing)
        raise CommandError(
            f"no API key for {url}: set {' and '.join(missing)}, or pass --{options.replace(' and ', ' and --')}",
            ExitCode.USAGE,
        )
    try:
        return TwirpEndpoint.from_settings(url, key, secret)
    except ValueError as error:
        raise CommandError(f"{error} (LIVEKIT_URL, --url)", ExitCode.USAGE) from error


def is_loopback(url: str) -> bool:
    """Return True if a URL's host is this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
