"""Settings from arguments and from the environment variables that all LiveKit tools use."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from livekit.backend.settings import DEV_KEY, DEV_SECRET, DEV_URL, MissingKeyError, key_setting, url_setting

from .arguments import nonempty
from .exits import CommandError, ExitCode

if TYPE_CHECKING:
    from livekit.backend.twirp import TwirpEndpoint


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that select a server and an API key."""
    group = parser.add_argument_group("server")
    group.add_argument(
        "--url", type=nonempty, metavar="URL", help=f"default: LIVEKIT_URL, or {DEV_URL} (`livekit dev`)"
    )
    add_key_arguments(group)


def add_key_arguments(parser: argparse._ActionsContainer) -> None:
    """Add the arguments that select an API key."""
    parser.add_argument(
        "--api-key", type=nonempty, metavar="KEY", help=f"default: LIVEKIT_API_KEY, or {DEV_KEY} on this machine"
    )
    parser.add_argument(
        "--api-secret",
        type=nonempty,
        metavar="SECRET",
        help=f"default: LIVEKIT_API_SECRET, or {DEV_SECRET} on this machine",
    )


def endpoint_from(args: argparse.Namespace) -> TwirpEndpoint:
    """Return the server that the arguments and the environment select.

    Raises:
        CommandError: a setting is missing or invalid.
    """
    from livekit.backend.twirp import TwirpEndpoint

    try:
        return TwirpEndpoint.from_settings(args.url, args.api_key, args.api_secret)
    except MissingKeyError as error:
        raise _missing_key(error) from error
    except ValueError as error:
        raise CommandError(f"{error} (LIVEKIT_URL, --url)", ExitCode.USAGE) from error


def key_from(args: argparse.Namespace) -> tuple[str, str]:
    """Return the API key and secret that the arguments and the environment select. Raises CommandError."""
    try:
        return key_setting(url_setting(None), args.api_key, args.api_secret)
    except MissingKeyError as error:
        raise _missing_key(error) from error


def _missing_key(error: MissingKeyError) -> CommandError:
    options = " and ".join(f"--{name.replace('_', '-')}" for name in error.missing)
    return CommandError(f"{error.problem}, or pass {options}", ExitCode.USAGE)
