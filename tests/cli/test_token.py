"""`livekit token`."""

from __future__ import annotations

import time

import pytest

from livekit.api import AccessToken, TokenVerifier, VideoGrants
from livekit.cli import ExitCode, main
from tests.support.processes import SETTINGS


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


def test_development_key_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--room", "r", "--identity", "i"]) == ExitCode.DONE
    claims = TokenVerifier("devkey", "secret").verify(capsys.readouterr().out.strip())
    assert claims.identity == "i"
    assert claims.video is not None
    assert (claims.video.room_join, claims.video.room) == (True, "r")


def test_options_become_claims(capsys: pytest.CaptureFixture[str]) -> None:
    more = ["--name", "N", "--metadata", "M", "--attribute", "a=1", "--attribute", "b=2", "--ttl", "90"]
    grants = ["--grant", "hidden", "--grant", "canPublishData=false"]
    assert main(["token", "--room", "r", "--identity", "i", *more, *grants]) == ExitCode.DONE
    claims = TokenVerifier("devkey", "secret").verify(capsys.readouterr().out.strip())
    assert (claims.name, claims.metadata, claims.attributes) == ("N", "M", {"a": "1", "b": "2"})
    assert claims.video is not None
    assert (claims.video.hidden, claims.video.can_publish_data) == (True, False)


def test_ttl_sets_the_expiry(capsys: pytest.CaptureFixture[str]) -> None:
    import jwt

    main(["token", "--room", "r", "--identity", "i", "--ttl", "90"])
    claims = jwt.decode(capsys.readouterr().out.strip(), "secret", algorithms=["HS256"])
    assert claims["exp"] == pytest.approx(time.time() + 90, abs=5)


def test_key_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LIVEKIT_API_KEY", "other-key")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "other-secret")
    main(["token", "--room", "r", "--identity", "i"])
    assert TokenVerifier("other-key", "other-secret").verify(capsys.readouterr().out.strip()).identity == "i"


def test_key_of_another_machine_has_no_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIVEKIT_URL", "wss://x.example")
    assert main(["token", "--room", "r", "--identity", "i"]) == ExitCode.USAGE
    assert "no API key for wss://x.example" in capsys.readouterr().err


def test_claims_are_those_of_the_official_package(capsys: pytest.CaptureFixture[str]) -> None:
    import jwt

    grants = VideoGrants(room_join=True, room="r", can_publish=False, can_publish_sources=["camera"])
    official = AccessToken("devkey", "secret").with_identity("i").with_name("é").with_grants(grants).to_jwt()
    arguments = ["--name", "é", "--grant", "canPublish=false", "--grant", "can_publish_sources=camera"]
    main(["token", "--room", "r", "--identity", "i", *arguments])
    ours, theirs = (
        jwt.decode(token.strip(), "secret", algorithms=["HS256"]) for token in (capsys.readouterr().out, official)
    )
    assert ours["video"] == theirs["video"]
    assert (ours["name"], ours["sub"], ours["iss"]) == (theirs["name"], theirs["sub"], theirs["iss"])


def test_texts_that_are_not_utf8(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--room", "\udcff", "--identity", "i"]) == ExitCode.USAGE
    assert capsys.readouterr().err == "livekit: an argument is not UTF-8\n"


def test_arguments_override_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIVEKIT_API_KEY", "other-key")
    main(["token", "--room", "r", "--identity", "i", "--api-key", "k", "--api-secret", "s"])
    assert TokenVerifier("k", "s").verify(capsys.readouterr().out.strip()).identity == "i"


@pytest.mark.parametrize(
    "arguments",
    [[], ["--room", "r"], ["--room", "", "--identity", "i"], ["--room", "r", "--identity", "i", "--grant", "nothing"]],
)
def test_invalid_arguments_are_usage_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["token", *arguments])
    assert caught.value.code == ExitCode.USAGE
    output = capsys.readouterr()
    assert output.out == ""
    assert "usage: livekit token" in output.err
