"""The argument parser: like argparse's, but it reports misspelt options where they are, with the nearest valid one."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn, TypeVar

from .argparse_internals import option_names_of, subcommands_of

N = TypeVar("N")

_NUMBER = re.compile(r"-\.?\d")
_INVALID_CHOICE = re.compile(r"invalid choice: '(.*?)'")


class Parser(argparse.ArgumentParser):
    """The parser of the command or of a subcommand; `add_subparsers` creates parsers of the same class."""

    def parse_known_args(  # type: ignore[override]  # the overloads of typeshed
        self, args: Sequence[str] | None = None, namespace: N | None = None
    ) -> tuple[N | argparse.Namespace, list[str]]:
        """Parse all arguments; unknown ones are errors of this parser, even where others are missing."""
        if args is None:
            args = sys.argv[1:]
        self._check_options(args)
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed, unknown  # pyright: ignore[reportReturnType]  # N is None only by default

    def error(self, message: str) -> NoReturn:
        """Exit with a message; that of an unknown subcommand names the nearest one."""
        choice = _INVALID_CHOICE.search(message)
        if choice is not None:
            message += _suggestion(choice[1], subcommands_of(self))
        super().error(message)

    def _check_options(self, args: Sequence[str]) -> None:
        """Report the first unknown option before argparse reports anything else."""
        known = option_names_of(self)
        has_subcommands = bool(subcommands_of(self))
        for arg in args:
            name = arg.partition("=")[0]
            if arg == "--" or (has_subcommands and not arg.startswith("-")):
                return
            if len(arg) < 2 or not arg.startswith("-") or " " in name or _NUMBER.match(arg):
                continue
            is_short = not arg.startswith("--")
            if name in known or (name[:2] in known if is_short else any(option.startswith(name) for option in known)):
                continue
            self.error(f"unrecognized option {name}{_suggestion(name, known)}")


def _suggestion(name: str, valid: Iterable[str]) -> str:
    from difflib import get_close_matches

    nearest = get_close_matches(name, list(valid), n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""
