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


class CommandError(Exception):
    """Ends a command with a message for people and an exit code."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code
