"""The parts of argparse that shell completion and annotations need and that have no public name."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # pyright: ignore[reportPrivateUsage]
    """The return type of `add_subparsers`."""


def arguments_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return a parser's options and positional arguments, without subcommands."""
    return [action for action in parser._actions if not isinstance(action, argparse._SubParsersAction)]


def option_names_of(parser: argparse.ArgumentParser) -> list[str]:
    """Return the names of a parser's options."""
    return list(parser._option_string_actions)


def subcommands_of(parser: argparse.ArgumentParser) -> dict[str, tuple[argparse.ArgumentParser, str]]:
    """Return the parser and the help text of each subcommand, by name."""
    found: dict[str, tuple[argparse.ArgumentParser, str]] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            commands = cast("Commands", action)
            helps = {choice.dest: choice.help or "" for choice in commands._choices_actions}
            found.update({name: (subparser, helps.get(name, "")) for name, subparser in commands.choices.items()})
    return found
