"""`livekit completion`: shell completion scripts, generated from the argument parser."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .argparse_internals import arguments_of, subcommands_of
from .exits import ExitCode

if TYPE_CHECKING:
    from .argparse_internals import Commands

DESCRIPTION = """\
Print a shell script that completes commands and options.

  bash   livekit completion bash > ~/.local/share/bash-completion/completions/livekit
         or, in the current shell only: source <(livekit completion bash)
  zsh    livekit completion zsh > "${fpath[1]}/_livekit"
         or, in the current shell only: source <(livekit completion zsh)
  fish   livekit completion fish > ~/.config/fish/completions/livekit.fish
"""


@dataclass(frozen=True)
class Level:
    """A command and the words that may follow it."""

    path: tuple[str, ...]
    """The words of the command, without `livekit`."""
    words: dict[str, str]
    """Help texts of subcommands, choices and options (in their long form)."""
    subcommands: tuple[str, ...]
    value_options: tuple[str, ...]
    """Options that take a value."""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "completion",
        help="print a shell completion script",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=tuple(_SHELLS))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    print(_SHELLS[args.shell](list(levels(args.parser))), end="")
    return ExitCode.DONE


def levels(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[Level]:
    """Yield a parser and, depth first, those of its subcommands."""
    words: dict[str, str] = {}
    value_options: list[str] = []
    for argument in arguments_of(parser):
        if not argument.option_strings:
            words.update({str(choice): "" for choice in argument.choices or ()})
        else:
            words[argument.option_strings[-1]] = (argument.help or "").replace("%%", "%")
            value_options += argument.option_strings if argument.nargs != 0 else ()
    subcommands = subcommands_of(parser)
    words.update({name: text for name, (_, text) in subcommands.items()})
    yield Level(path, words, tuple(subcommands), tuple(value_options))
    for name, (subparser, _) in subcommands.items():
        yield from levels(subparser, (*path, name))


def _bash(all_levels: Sequence[Level]) -> str:
    return f"""\
_livekit() {{
    local at= word previous=${{COMP_WORDS[COMP_CWORD-1]}} offers=
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$at $word" in
            {_paths(all_levels)}) at="$at $word" ;;
        esac
    done
    case "$at $previous" in
        {_value_options(all_levels)}) return ;;
    esac
    case "$at" in
{_cases(all_levels, lambda level: f"offers={_quoted(' '.join(level.words))}")}
    esac
    COMPREPLY=($(compgen -W "$offers" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _livekit livekit
"""


def _zsh(all_levels: Sequence[Level]) -> str:
    def described(level: Level) -> str:
        pairs = (_quoted(f"{word}:{about}") for word, about in level.words.items())
        return f"offers=({' '.join(pairs)})"

    return f"""\
#compdef livekit
_livekit() {{
    local at= word previous=${{words[CURRENT-1]}}
    local -a offers
    for word in "${{(@)words[2,CURRENT-1]}}"; do
        case "$at $word" in
            {_paths(all_levels)}) at="$at $word" ;;
        esac
    done
    case "$at $previous" in
        {_value_options(all_levels)}) _files; return ;;
    esac
    case "$at" in
{_cases(all_levels, described)}
    esac
    _describe livekit offers || _files
}}
if [ "$funcstack[1]" = _livekit ]; then _livekit "$@"; else compdef _livekit livekit; fi
"""


def _fish(all_levels: Sequence[Level]) -> str:
    lines = [
        "function __livekit_at",
        "    set -l at",
        "    for word in (commandline -opc)[2..]",
        "        switch (string join ' ' -- $at $word)",
        f"            case {' '.join(_quoted(' '.join(level.path)) for level in all_levels if level.path)}",
        "                set at $at $word",
        "        end",
        "    end",
        '    test "$at" = "$argv"',
        "end",
    ]
    for level in all_levels:
        condition = f"-n {_quoted(' '.join(('__livekit_at', *level.path)))}"
        for word, about in level.words.items():
            if word.startswith("--"):
                completion = f"-l {word[2:]}{' -r' if word in level.value_options else ''}"
            elif word.startswith("-"):
                completion = f"-s {word[1:]}"
            else:
                completion = f"-f -a {word}"
            lines.append(f"complete -c livekit {condition} {completion}" + (f" -d {_quoted(about)}" if about else ""))
    return "\n".join(lines) + "\n"


_SHELLS: dict[str, Callable[[Sequence[Level]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}


def _paths(all_levels: Sequence[Level]) -> str:
    """Return a `case` pattern for all commands; the scripts put a space before each word of a command."""
    return "|".join(_quoted(_at(level)) for level in all_levels if level.path)


def _value_options(all_levels: Sequence[Level]) -> str:
    return "|".join(_quoted(f"{_at(level)} {option}") for level in all_levels for option in level.value_options)


def _cases(all_levels: Sequence[Level], body: Callable[[Level], str]) -> str:
    return "\n".join(f"        {_quoted(_at(level))}) {body(level)} ;;" for level in all_levels)


def _at(level: Level) -> str:
    return "".join(f" {word}" for word in level.path)


def _quoted(text: str) -> str:
    """Quote a text for bash, zsh and fish."""
    return "'" + text.replace("'", "'\\''") + "'"
