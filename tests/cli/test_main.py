"""The `livekit` command as a whole."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from livekit import __version__
from livekit.cli import ExitCode, build_parser, main
from livekit.cli.completion import levels


def test_help_lists_commands_settings_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == ExitCode.DONE
    output = capsys.readouterr().out
    for word in ("dev ", "token ", "LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        assert word in output
    for code in ExitCode:
        assert f"\n  {code.value}  " in output
    assert max(map(len, output.splitlines())) <= 100


COMMANDS = [" ".join(level.path) for level in levels(build_parser()) if level.path]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command.split(), "--help"])
    assert caught.value.code == ExitCode.DONE
    assert f"usage: livekit {command}" in capsys.readouterr().out


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"livekit-pure {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["dev", "--port", "x"], ["dev", "--keys", "key"]])
def test_wrong_arguments_are_usage_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == ExitCode.USAGE
    assert "usage: livekit" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["--help"], ["token", "--room", "r", "--identity", "i"], ["call", "--help"]])
def test_commands_without_requests_import_no_network_modules(command: list[str]) -> None:
    program = f"""
import sys
from livekit.__main__ import main
sys.argv[1:] = {command!r}
try:
    main()
except SystemExit:
    pass
print(sorted({{"aiohttp", "google.protobuf", "asyncio"}} & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_broken_pipe_sets_the_exit_code() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "livekit", "completion", "bash"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (ExitCode.BROKEN_PIPE, b"")


def test_closed_standard_streams() -> None:
    command = [sys.executable, "-m", "livekit", "room", "list", "--url", "foo"]
    done = subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", *command], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, b"")


def test_python_m_livekit_is_equivalent() -> None:
    done = subprocess.run([sys.executable, "-m", "livekit", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"livekit-pure {__version__}\n"
