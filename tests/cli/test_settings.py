"""Selection of the server, and messages when requests fail."""

from __future__ import annotations

import pytest

from livekit._util.loopback import is_loopback_url
from livekit.cli import ExitCode, main
from tests.support.processes import SETTINGS

from .conftest import Run, Server

REQUESTS = [["room", "list"], ["call", "--room", "r", "--to", "a", "m"], ["participants", "--room", "r"]]


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("command", REQUESTS)
async def test_wrong_secret_is_reported(run: Run, command: list[str]) -> None:
    done = await run(*command, LIVEKIT_API_SECRET="not the secret of this server")
    assert (done.code, done.out) == (ExitCode.REFUSED, "")
    assert "check LIVEKIT_API_SECRET" in done.err
    assert len(done.err.splitlines()) == 1


async def test_arguments_override_the_environment(run: Run, server: Server) -> None:
    given = ["--url", server.url, "--api-key", server.api_key, "--api-secret", server.api_secret]
    done = await run("room", "list", *given, LIVEKIT_URL="ws://127.0.0.1:1", LIVEKIT_API_SECRET="wrong")
    assert done.code == ExitCode.DONE


@pytest.mark.parametrize("command", REQUESTS)
@pytest.mark.usefixtures("no_settings")
def test_unreachable_server_is_reported(
    command: list[str], capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    assert main([*command, "--url", f"ws://127.0.0.1:{unused_tcp_port}"]) == ExitCode.UNREACHABLE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"no connection to 127.0.0.1:{unused_tcp_port}" in shown.err
    assert "`livekit dev` starts a server" in shown.err
    assert len(shown.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--url", "wss://x.example"],
            "set LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or pass --api-key and --api-secret",
        ),
        (["--url", "wss://x.example", "--api-key", "k"], "set LIVEKIT_API_SECRET, or pass --api-secret"),
        (["--api-secret", "s"], "set LIVEKIT_API_KEY, or pass --api-key"),
        (["--url", "foo"], "has no scheme"),
        (["--url", "x.example", "--api-key", "k", "--api-secret", "s"], "has no scheme"),
        (["--url", "ws://[x", "--api-key", "k", "--api-secret", "s"], "not a URL"),
    ],
)
@pytest.mark.usefixtures("no_settings")
def test_invalid_settings_are_usage_errors(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["room", "list", *arguments]) == ExitCode.USAGE
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("ws://127.0.0.1:7880", True),
        ("ws://[::1]:7880", True),
        ("http://localhost", True),
        ("wss://x.livekit.cloud", False),
        ("ws://localhost.example", False),
        ("ws://[x", False),
        ("", False),
    ],
)
def test_is_loopback_url(url: str, loopback: bool) -> None:
    assert is_loopback_url(url) == loopback
