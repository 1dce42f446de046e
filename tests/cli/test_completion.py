"""`livekit completion`: the scripts, run in real shells."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from livekit.cli import ExitCode, main

SHELLS = ["bash", "zsh", "fish"]


def script_of(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == ExitCode.DONE
    return capsys.readouterr().out


def ask_bash(script: Path, words: list[str]) -> list[str]:
    """Return the completions of the last word."""
    script_text = f"""
source {shlex.quote(str(script))}
COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}
_livekit
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    return run(["bash", "--norc", "-c", script_text])


def ask_fish(script: Path, words: list[str]) -> list[str]:
    line = shlex.join(words[:-1]) + " " + words[-1]
    script_text = f"source {shlex.quote(str(script))}; complete -C {shlex.quote(line)}"
    return [completion.split("\t")[0] for completion in run(["fish", "--no-config", "-c", script_text])]


def ask_zsh(script: Path, words: list[str]) -> list[str]:
    """Return the completions of the last word. zsh needs a terminal to complete, so `_describe` is replaced."""
    script_text = f"""
compdef() {{ : }}
_describe() {{ print -l -- "${{(@)${{(P)2}}%%:*}}" }}
_files() {{ : }}
source {shlex.quote(str(script))}
words=({shlex.join(words)}); CURRENT={len(words)}
_livekit
"""
    return [completion for completion in run(["zsh", "-f", "-c", script_text]) if completion.startswith(words[-1])]


def run(command: list[str]) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


ASK = {"bash": ask_bash, "zsh": ask_zsh, "fish": ask_fish}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("r", ["room", "record", "replay"]),
        ("room ", ["list", "create", "delete", "remove"]),
        ("room c", ["create"]),
        ("room list --j", ["--json"]),
        ("room list --url ws://x --j", ["--json"]),
        ("call --room room --t", ["--to", "--timeout"]),
        ("completion ", SHELLS),
    ],
)
def test_completions(
    shell: str, line: str, completions: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script"
    script.write_text(script_of(shell, capsys))
    words = ["livekit", *line.split(" ")]
    completed = [word for word in ASK[shell](script, words) if words[-1] or not word.startswith("-")]
    assert sorted(completed) == sorted(completions)


@pytest.mark.parametrize("name", SHELLS)
def test_script_has_every_option(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    script = script_of(name, capsys)
    for option in ("departure-timeout", "api-secret", "timeout", "method"):
        assert option in script
    assert "the participant'\\''s identity" in script or name == "bash"
