"""How a command ends."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """Exit codes of the `livekit` command, for scripts."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    """Wrong arguments (argparse's own code)."""
    CANNOT_LISTEN = 3
    """The address to listen on is taken or not ours."""
    UNREACHABLE = 4
    """No LiveKit server answers at the URL."""
    REFUSED = 5
    """The server refuses the API key, the secret or the token."""
    NOT_FOUND = 6
    """There is no such room or participant."""
    TIMEOUT = 7
    """No answer in time."""
    CALL_FAILED = 8
    """A call reached the server and failed; the message has the code."""
    INTERRUPTED = 130
    """Ctrl-C ended a command that was not done."""
    BROKEN_PIPE = 141
    """What read the output stopped reading, as shells count it."""


class CommandError(Exception):
    """Ends a command with a message for people and an exit code."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code
