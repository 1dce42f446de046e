"""Errors of arguments."""

from __future__ import annotations

import pytest

from livekit.cli import ExitCode, main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--verson"], "livekit: error: unrecognized option --verson; did you mean --version?"),
        (["lisen", "--room", "r"], "did you mean listen?"),
        (["room", "lst"], "livekit room: error: argument COMMAND: invalid choice: 'lst'"),
        (["room", "lst"], "did you mean list?"),
        (["room", "list", "--jsno"], "livekit room list: error: unrecognized option --jsno; did you mean --json?"),
        (
            ["call", "--rom", "r", "--to", "a", "m"],
            "livekit call: error: unrecognized option --rom; did you mean --room?",
        ),
        (
            ["call", "--room", "r", "--to", "a", "m", "--timeot=3"],
            "unrecognized option --timeot; did you mean --timeout?",
        ),
        (["call", "--room", "r", "--to", "a", "m", "-x"], "livekit call: error: unrecognized option -x"),
        (["token", "--room", "r", "--identity", "i", "more"], "livekit token: error: unrecognized arguments: more"),
        (["dev", "--prot", "1"], "livekit dev: error: unrecognized option --prot; did you mean --port?"),
        (["send", "--room", "r", "x", "--kind", "video"], "livekit send: error: argument --kind: invalid choice"),
        (["replay", "x", "--kind", "rpc_call"], "unknown kind 'rpc_call'; valid kinds: chat_message, "),
        (["room", "list", "--api-key", ""], "argument --api-key: must not be empty"),
    ],
)
def test_errors_name_the_subcommand_and_the_nearest_option(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == ExitCode.USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err


@pytest.mark.parametrize("payload", ["-1", "-.5", "-", "--a b", "--room x"])
def test_values_that_look_like_options(payload: str, capsys: pytest.CaptureFixture[str]) -> None:
    from livekit.cli import build_parser

    arguments = ["call", "--room", "r", "--to", "a", "m"]
    assert build_parser().parse_args([*arguments, payload]).payload == payload
    assert build_parser().parse_args([*arguments, "--", "--x"]).payload == "--x"


def test_options_may_be_abbreviated() -> None:
    from livekit.cli import build_parser

    assert build_parser().parse_args(["call", "--room", "r", "--to", "a", "m", "--time", "3"]).timeout == 3.0
