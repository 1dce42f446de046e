"""`livekit completion`, asked as shells ask it."""

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
    """What bash offers for the last of the words."""
    asking = f"""
source {shlex.quote(str(script))}
COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}
_livekit
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    return run(["bash", "--norc", "-c", asking])


def ask_fish(script: Path, words: list[str]) -> list[str]:
    line = shlex.join(words[:-1]) + " " + words[-1]
    asking = f"source {shlex.quote(str(script))}; complete -C {shlex.quote(line)}"
    return [offer.split("\t")[0] for offer in run(["fish", "--no-config", "-c", asking])]


def ask_zsh(script: Path, words: list[str]) -> list[str]:
    """zsh completes on a terminal only, so what `_describe` would be given is looked at."""
    asking = f"""
compdef() {{ : }}
_describe() {{ print -l -- "${{(@)${{(P)2}}%%:*}}" }}
_files() {{ : }}
source {shlex.quote(str(script))}
words=({shlex.join(words)}); CURRENT={len(words)}
_livekit
"""
    return [offer for offer in run(["zsh", "-f", "-c", asking]) if offer.startswith(words[-1])]


def run(command: list[str]) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


ASK = {"bash": ask_bash, "zsh": ask_zsh, "fish": ask_fish}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    if shutil.which(request.param) is None:
        pytest.skip(f"no {request.param} here")
    return str(request.param)


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("r", ["room", "replay"]),
        ("room ", ["list", "create", "delete"]),
        ("room c", ["create"]),
        ("room list --j", ["--json"]),
        ("room list --url ws://x --j", ["--json"]),
        ("call --room room --t", ["--to", "--timeout"]),
        ("completion ", SHELLS),
    ],
)
def test_offers(shell: str, line: str, offers: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "script"
    script.write_text(script_of(shell, capsys))
    words = ["livekit", *line.split(" ")]
    offered = [word for word in ASK[shell](script, words) if words[-1] or not word.startswith("-")]
    assert sorted(offered) == sorted(offers)


@pytest.mark.parametrize("name", SHELLS)
def test_every_option_is_in_the_script(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    script = script_of(name, capsys)
    for option in ("departure-timeout", "api-secret", "timeout", "method"):
        assert option in script
    assert "the participant'\\''s identity" in script or name == "bash"
