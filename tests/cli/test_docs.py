"""Every command of docs/cli.md, run and compared with the output that the page shows."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from livekit.cli import ExitCode, build_parser
from livekit.cli.completion import levels
from livekit.cli.listen_events import EVENTS
from tests.support.audio_files import write_tone
from tests.support.processes import clean_environment, read_until, running

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text()
WAIT = 90.0
LIVEKIT = f'livekit() {{ "{sys.executable}" -m livekit "$@"; }}\n'
NOT_RUN = ("export LIVEKIT_URL", "livekit completion zsh", "livekit record")
"""Blocks that need a remote server, a shell that test_completion.py covers, or another participant."""

VARIABLE_TEXTS = {
    r"\d{4}-\d\d-\d\dT[\d:.]+Z": "MOMENT",
    r"\d\d:\d\d:\d\d\.\d{3}": "TIME",
    r"(RM|PA)_\w+": "SID",
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "UUID",
    r"eyJ[\w-]+\.[\w-]+\.[\w-]+": "TOKEN",
    r" +\d+[smhd]( +|$)": " AGE ",
}
"""Texts that differ from run to run, with their placeholders."""


@dataclass(frozen=True)
class Step:
    """A command, and its output according to the page."""

    command: str
    printed: str


def blocks() -> list[list[Step]]:
    found = re.findall(r"^```console\n\$ (.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert sum(block.startswith(NOT_RUN) for block in found) == len(NOT_RUN)
    return [
        [Step(*part.split("\n", 1)) for part in re.split(r"^\$ ", block, flags=re.MULTILINE)]
        for block in found
        if not block.startswith(NOT_RUN)
    ]


def normalized(printed: str) -> str:
    for pattern, name in VARIABLE_TEXTS.items():
        printed = re.sub(pattern, name, printed, flags=re.MULTILINE)
    return printed.rstrip()


def matches(printed: str, expected: str) -> bool:
    """Compare an output with that of the page, where `…` matches any text."""
    pattern = re.escape(normalized(expected)).replace("…", ".*")
    return re.fullmatch(pattern, normalized(printed), re.DOTALL) is not None


@pytest.mark.timeout(300)  # some twenty processes
async def test_commands_of_the_page_print_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    write_tone(tmp_path / "greeting.wav", seconds=2, sample_rate=44_100)
    settings: dict[str, str] = {}
    listening: list[tuple[Step, Process, str]] = []
    async with AsyncExitStack() as processes:
        for steps in blocks():
            if not re.search(r"livekit (dev|listen)", steps[0].command):
                await play(steps, settings)
                continue
            (step,) = steps
            process = await processes.enter_async_context(running("bash", "-c", background(step.command), **settings))
            if "livekit dev" in step.command:
                banner = await asyncio.wait_for(read_until(process, "Ctrl-C"), WAIT)
                settings["LIVEKIT_URL"] = re.findall(r"ws://\S+", banner)[0]
            else:
                shown = await asyncio.wait_for(read_until(process, "connected"), WAIT)
                listening.append((step, process, shown))
        for step, process, shown in reversed(listening):
            process.send_signal(signal.SIGINT)
            rest, err = await asyncio.wait_for(process.communicate(), WAIT)
            assert (process.returncode, err) == (ExitCode.DONE, b"")
            assert matches(shown + rest.decode(), step.printed), shown + rest.decode()
    assert [step.command.split()[-1] for step, _, _ in listening] == ["echo", "--json"]


def background(command: str) -> str:
    """Return the command as one that replaces its shell, so that signals reach it, and that listens on a free port."""
    command = command.replace("livekit dev", "livekit dev --port 0")
    variables, _, rest = command.rpartition("livekit ")
    return f"{variables}exec '{sys.executable}' -m livekit {rest}"


async def play(steps: list[Step], settings: dict[str, str]) -> None:
    """Run the commands of a block in one shell."""
    script = LIVEKIT + "".join(f"{step.command}\nstatus=$?; echo '@@'; (exit $status)\n" for step in steps)
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, stdout=PIPE, stderr=STDOUT, env=clean_environment(**settings)
    )
    out, _ = await asyncio.wait_for(process.communicate(), WAIT)
    for step, printed in zip(steps, out.decode().split("@@\n"), strict=False):
        assert matches(printed, step.printed), f"$ {step.command}\n{printed}"


def test_page_has_every_command() -> None:
    for level in levels(build_parser()):
        assert " ".join(level.path) in PAGE
        assert level.subcommands or re.search(rf"livekit {' '.join(level.path)}", PAGE) or "room" in level.path


def test_exit_codes_are_documented() -> None:
    documented = re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert [int(code) for code, _ in documented] == [code.value for code in ExitCode]
    shown = build_parser().format_help()
    for code, meaning in documented:
        assert f"  {code}  {meaning}\n" in shown


def test_events_are_documented() -> None:
    table = PAGE.split("| event | fields |")[1].split("\n\n")[0]
    documented = set(
        re.findall(r"`(\w+)`", "".join(line.split(" | ")[0] for line in table.splitlines() if "|" in line))
    )
    assert documented == {*EVENTS, "connected", "call", "text_received", "disconnected"}
