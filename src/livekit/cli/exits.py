"""Exit codes, and the exception that ends a command."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """Exit codes of the `livekit` command, for scripts."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    """Wrong arguments (argparse's own code)."""
    CANNOT_LISTEN = 3
    """The address to listen on is in use or not local."""
    UNREACHABLE = 4
    """No LiveKit server responds at the URL."""
    REFUSED = 5
    """The server rejected the API key, the secret or the token."""
    NOT_FOUND = 6
    """No such room or participant."""
    TIMEOUT = 7
    """Timed out."""
    CALL_FAILED = 8
    """An RPC call failed; the message begins with the error code."""
    INTERRUPTED = 130
    """Interrupted by Ctrl-C."""
    BROKEN_PIPE = 141
    """The reader of the output has exited; shells report 128 + SIGPIPE."""


class CommandError(Exception):
    """Ends a command with a message on standard error and an exit code."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code
