"""`livekit completion`: a script that completes commands and options, written from the parser itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from .exits import ExitCode

if TYPE_CHECKING:
    from .arguments import Commands

DESCRIPTION = """\
Print a script that completes commands and options in a shell.

  bash   livekit completion bash > ~/.local/share/bash-completion/completions/livekit
         or, for this shell only: source <(livekit completion bash)
  zsh    livekit completion zsh > a folder of $fpath/_livekit
         or, for this shell only: source <(livekit completion zsh)
  fish   livekit completion fish > ~/.config/fish/completions/livekit.fish
"""


@dataclass(frozen=True)
class Level:
    """A command and what can follow it."""

    path: tuple[str, ...]
    """The words of the command, without `livekit`."""
    words: dict[str, str]
    """Subcommands, choices and options (in their long form), with what they are for."""
    subcommands: tuple[str, ...]
    value_options: tuple[str, ...]
    """Options that a value follows."""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "completion",
        help="print a script that completes commands in a shell",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=tuple(_SHELLS))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    from . import build_parser

    print(_SHELLS[args.shell](list(levels(build_parser()))), end="")
    return ExitCode.DONE


def levels(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[Level]:
    """A parser and those below it."""
    words: dict[str, str] = {}
    value_options: list[str] = []
    below: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        about, choices = (action.help or "").replace("%%", "%"), action.choices or ()
        if isinstance(action, argparse._SubParsersAction):
            below = cast("dict[str, argparse.ArgumentParser]", choices)
            words.update({choice.dest: choice.help or "" for choice in action._choices_actions})
        elif not action.option_strings:
            words.update({str(choice): "" for choice in choices})
        else:
            words[action.option_strings[-1]] = about
            value_options += action.option_strings if action.nargs != 0 else ()
    yield Level(path, words, tuple(below), tuple(value_options))
    for name, sub in below.items():
        yield from levels(sub, (*path, name))


def _bash(found: Sequence[Level]) -> str:
    return f"""\
_livekit() {{
    local at= word previous=${{COMP_WORDS[COMP_CWORD-1]}} offers=
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$at $word" in
            {_paths(found)}) at="$at $word" ;;
        esac
    done
    case "$at $previous" in
        {_value_options(found)}) return ;;
    esac
    case "$at" in
{_cases(found, lambda level: f"offers={_quoted(' '.join(level.words))}")}
    esac
    COMPREPLY=($(compgen -W "$offers" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _livekit livekit
"""


def _zsh(found: Sequence[Level]) -> str:
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
            {_paths(found)}) at="$at $word" ;;
        esac
    done
    case "$at $previous" in
        {_value_options(found)}) _files; return ;;
    esac
    case "$at" in
{_cases(found, described)}
    esac
    _describe livekit offers || _files
}}
if [ "$funcstack[1]" = _livekit ]; then _livekit "$@"; else compdef _livekit livekit; fi
"""


def _fish(found: Sequence[Level]) -> str:
    lines = [
        "function __livekit_at",
        "    set -l at",
        "    for word in (commandline -opc)[2..]",
        "        switch (string join ' ' -- $at $word)",
        f"            case {' '.join(_quoted(' '.join(level.path)) for level in found if level.path)}",
        "                set at $at $word",
        "        end",
        "    end",
        '    test "$at" = "$argv"',
        "end",
    ]
    for level in found:
        where = f"-n {_quoted(' '.join(('__livekit_at', *level.path)))}"
        for word, about in level.words.items():
            if word.startswith("--"):
                what = f"-l {word[2:]}{' -r' if word in level.value_options else ''}"
            elif word.startswith("-"):
                what = f"-s {word[1:]}"
            else:
                what = f"-f -a {word}"
            lines.append(f"complete -c livekit {where} {what}" + (f" -d {_quoted(about)}" if about else ""))
    return "\n".join(lines) + "\n"


_SHELLS: dict[str, Callable[[Sequence[Level]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}


def _paths(found: Sequence[Level]) -> str:
    """A pattern for all commands below `livekit`, as the scripts keep them: each word with a space before it."""
    return "|".join(_quoted(_at(level)) for level in found if level.path)


def _value_options(found: Sequence[Level]) -> str:
    return "|".join(_quoted(f"{_at(level)} {option}") for level in found for option in level.value_options)


def _cases(found: Sequence[Level], body: Callable[[Level], str]) -> str:
    return "\n".join(f"        {_quoted(_at(level))}) {body(level)} ;;" for level in found)


def _at(level: Level) -> str:
    return "".join(f" {word}" for word in level.path)


def _quoted(text: str) -> str:
    """For bash, zsh and fish alike."""
    return "'" + text.replace("'", "'\\''") + "'"
