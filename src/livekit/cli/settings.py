"""Settings from the environment, under the names all LiveKit tools use."""

from __future__ import annotations

import argparse
import ipaddress
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .exits import CommandError, ExitCode

if TYPE_CHECKING:
    from livekit.backend.twirp import Server

DEV_URL = "ws://127.0.0.1:7880"
DEV_KEY = "devkey"
DEV_SECRET = "secret"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Whose tokens a server takes."""

    api_key: str
    api_secret: str

    @classmethod
    def from_environment(cls) -> Settings:
        """LIVEKIT_API_KEY and LIVEKIT_API_SECRET; what is unset or empty is as `livekit dev` has it."""
        return cls(
            api_key=os.environ.get("LIVEKIT_API_KEY") or DEV_KEY,
            api_secret=os.environ.get("LIVEKIT_API_SECRET") or DEV_SECRET,
        )


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """Which server a command talks to."""
    group = parser.add_argument_group("server")
    group.add_argument("--url", metavar="URL", help=f"default: LIVEKIT_URL, or {DEV_URL}, where `livekit dev` serves")
    group.add_argument("--api-key", metavar="KEY", help=f"default: LIVEKIT_API_KEY, or {DEV_KEY} on this machine")
    group.add_argument(
        "--api-secret", metavar="SECRET", help=f"default: LIVEKIT_API_SECRET, or {DEV_SECRET} on this machine"
    )


def server_of(args: argparse.Namespace) -> Server:
    """The server that the arguments and the environment name.

    Raises:
        CommandError: a setting is missing or cannot be right.
    """
    from livekit.backend.twirp import Server

    url = args.url or os.environ.get("LIVEKIT_URL") or DEV_URL
    key = args.api_key or os.environ.get("LIVEKIT_API_KEY")
    secret = args.api_secret or os.environ.get("LIVEKIT_API_SECRET")
    if not key and not secret and is_here(url):
        key, secret = DEV_KEY, DEV_SECRET
    missing = [name for name, value in (("LIVEKIT_API_KEY", key), ("LIVEKIT_API_SECRET", secret)) if not value]
    if missing:
        options = " and ".join(name.removeprefix("LIVEKIT_").lower().replace("_", "-") for name in missing)
        raise CommandError(
            f"no key for {url}: set {' and '.join(missing)}, or pass --{options.replace(' and ', ' and --')}",
            ExitCode.USAGE,
        )
    try:
        return Server.of(url, key, secret)
    except ValueError as error:
        raise CommandError(f"{error} (LIVEKIT_URL, --url)", ExitCode.USAGE) from error


def is_here(url: str) -> bool:
    """Whether a URL is on this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
