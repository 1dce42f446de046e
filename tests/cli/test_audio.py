"""`livekit play` and `livekit record`, run as programs, on the embedded server or that of LIVEKIT_URL."""

from __future__ import annotations

import asyncio
import json
import signal
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from livekit.cli import ExitCode
from tests.support.audio_files import read_wav, seconds_of_tone, write_tone
from tests.support.processes import LIVEKIT, output_of, read_until, running
from tests.support.rooms import Join

from .conftest import Run, Server, settings_of

WAIT = 60.0


async def ended(process: Process) -> tuple[int | None, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), WAIT)
    return process.returncode, out.decode(), err.decode()


async def noted(process: Process, text: str) -> None:
    """Wait until a line with `text` is on standard error."""
    assert process.stderr is not None

    async def read(stream: asyncio.StreamReader) -> None:
        async for line in stream:
            if text in line.decode():
                return
        raise AssertionError(f"{text!r} was not printed")

    await asyncio.wait_for(read(process.stderr), WAIT)


@pytest.mark.parametrize(("played", "recorded", "channels"), [(48_000, 48_000, 1), (44_100, 16_000, 2)])
async def test_recording_has_what_was_played(
    server: Server, room_name: str, tmp_path: Path, played: int, recorded: int, channels: int
) -> None:
    write_tone(tmp_path / "in.wav", seconds=2, sample_rate=played, channels=channels)
    record = (*LIVEKIT, "record", "--room", room_name, "--from", "alice", "--rate", str(recorded), "--json")
    play = (*LIVEKIT, "play", str(tmp_path / "in.wav"), "--room", room_name, "--identity", "alice", "--name", "tone")
    async with running(*record, str(tmp_path / "out.wav"), **settings_of(server)) as recorder:
        await noted(recorder, "waiting: no participant 'alice'")
        async with running(*play, "--json", **settings_of(server)) as player:
            code, out, err = await ended(player)
        assert (code, err) == (ExitCode.DONE, "")
        first, last = map(json.loads, out.splitlines())
        assert (first["event"], first["sample_rate"], first["channels"]) == ("playing", played, channels)
        assert last == {"event": "played", "seconds": 2.0}
        code, out, _ = await ended(recorder)
    assert code == ExitCode.DONE
    summary = json.loads(out)
    rate, samples = read_wav(tmp_path / "out.wav")
    assert rate == recorded
    assert summary["seconds"] == pytest.approx(len(samples) / rate, abs=0.001)
    assert seconds_of_tone(samples, rate, 440) == pytest.approx(2, abs=0.3)


async def test_recording_ends_after_its_duration_and_on_interrupts(
    server: Server, room_name: str, tmp_path: Path
) -> None:
    write_tone(tmp_path / "in.wav", seconds=0.5)
    play = (*LIVEKIT, "play", str(tmp_path / "in.wav"), "--room", room_name, "--identity", "alice", "--loop")
    record = (*LIVEKIT, "record", "--room", room_name, "--from", "alice")
    async with running(*play, **settings_of(server)) as player:
        await asyncio.wait_for(read_until(player, "Playing 'in.wav'"), WAIT)
        async with running(*record, "--duration", "1", str(tmp_path / "1.wav"), **settings_of(server)) as recorder:
            code, out, _ = await ended(recorder)
        assert (code, out) == (ExitCode.DONE, f"Recorded 0:01 of 'alice' to {str(tmp_path / '1.wav')!r}.\n")
        async with running(*record, str(tmp_path / "2.wav"), **settings_of(server)) as recorder:
            await noted(recorder, "Recording 'alice'")
            await asyncio.sleep(1)  # the time that is recorded
            recorder.send_signal(signal.SIGINT)
            code, out, _ = await ended(recorder)
        assert code == ExitCode.DONE
        player.send_signal(signal.SIGTERM)
        code, out, _ = await ended(player)
        assert (code, "Played 0:" in out) == (ExitCode.DONE, True)
    rate, samples = read_wav(tmp_path / "1.wav")
    assert len(samples) == rate
    rate, samples = read_wav(tmp_path / "2.wav")
    assert len(samples) > rate / 2
    assert seconds_of_tone(samples, rate, 440) > 0.3


async def test_interrupted_playing_is_not_success(server: Server, room_name: str, tmp_path: Path) -> None:
    write_tone(tmp_path / "in.wav", seconds=5)
    play = (*LIVEKIT, "play", str(tmp_path / "in.wav"), "--room", room_name)
    async with running(*play, **settings_of(server)) as player:
        await asyncio.wait_for(read_until(player, "Playing 'in.wav'"), WAIT)
        player.send_signal(signal.SIGINT)
        assert (await ended(player))[0] == ExitCode.INTERRUPTED


async def test_recording_says_what_it_waits_for(server: Server, join: Join, room_name: str, tmp_path: Path) -> None:
    options = ("--room", room_name, "--timeout", "0.2", str(tmp_path / "out.wav"), "--from", "alice")
    record = (*LIVEKIT, "record", *options)
    code, _, err = await output_of(*record, **settings_of(server))
    assert (code, "no participant 'alice'" in err) == (ExitCode.TIMEOUT, True)
    await join("alice")
    code, _, err = await output_of(*record, **settings_of(server))
    assert (code, "livekit: 'alice' has no audio track within 0.2 s\n" in err) == (ExitCode.TIMEOUT, True)
    code, _, err = await output_of(*record, "--source", "microphone", **settings_of(server))
    assert "no audio track of source microphone" in err
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot read"), (b"text", "it is not a WAV file"), (b"", "it is not a WAV file")]
)
async def test_files_that_cannot_be_played(run: Run, tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "in.wav"
    if content is not None:
        path.write_bytes(content)
    done = await run("play", str(path), "--room", "r")
    assert done.code == ExitCode.FAILED
    assert message in done.err


async def test_files_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / "out.wav"):
        done = await run("record", "--room", "r", "--from", "alice", str(path))
        assert (done.code, "cannot write" in done.err) == (ExitCode.FAILED, True)


@pytest.mark.parametrize("command", [["play", "in.wav"], ["record", "--from", "a", "out.wav"]])
async def test_missing_codec_names_the_extra(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: list[str]
) -> None:
    monkeypatch.setattr("livekit.media.codecs.libopus._candidates", lambda: iter(()))
    monkeypatch.setattr("livekit.media.codecs.libopus.load_opus", _uncached_load())
    done = await run(*command, "--room", "r")
    assert (done.code, "livekit-pure[audio]" in done.err) == (ExitCode.FAILED, True)


@pytest.mark.parametrize("rate", ["0", "99", "x", "1000000"])
async def test_invalid_rate_is_a_usage_error(run: Run, rate: str) -> None:
    with pytest.raises(SystemExit) as caught:
        await run("record", "--room", "r", "--from", "a", "--rate", rate, "out.wav")
    assert caught.value.code == ExitCode.USAGE


def _uncached_load() -> object:
    from livekit.media.codecs import libopus

    return libopus.load_opus.__wrapped__
