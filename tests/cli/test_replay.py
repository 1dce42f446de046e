"""`livekit replay`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from livekit._room.packet_recorder import PacketRecorder
from livekit.cli import ExitCode, main
from livekit.options import RecordOptions
from livekit.rpc import wire


def test_replay_prints_one_line_per_packet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorder = PacketRecorder(RecordOptions(path=tmp_path / "wire"))
    recorder.identity = "alice"
    recorder.record_sent(wire.request_packet("bob", "r1", "add", "1", 1500))
    recorder.record_received(wire.ack_packet("alice", "r1"))
    recorder.record_sent(wire.request_packet("bob", "r2", "sub", "1", 1500))
    recorder.close()
    assert main(["replay", str(tmp_path / "wire")]) == ExitCode.DONE
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert "alice → bob  rpc_request  request_id=r1  method=add" in lines[0]
    assert main(["replay", str(tmp_path / "wire"), "--call", "r1"]) == ExitCode.DONE
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main(["replay", str(tmp_path / "wire"), "--kind", "rpc_ack"]) == ExitCode.DONE
    assert len(capsys.readouterr().out.splitlines()) == 1


PACKET = {"time": 1.0, "local": "a", "way": "in", "peer": "b", "kind": "user"}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("nonsense", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "not a recorded packet"),
        *[
            (json.dumps({**PACKET, **wrong}), "not a recorded packet")
            for wrong in ({"time": "now"}, {"time": 1e300}, {"local": 1}, {"peer": ["b", 1]}, {"kind": None})
        ],
    ],
)
def test_replay_rejects_files_that_are_not_recordings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, complaint: str
) -> None:
    path = tmp_path / "other"
    path.write_text(content)
    assert main(["replay", str(path)]) == ExitCode.FAILED
    shown = capsys.readouterr()
    assert complaint in shown.err
    assert len(shown.err.splitlines()) == 1
    path.write_bytes(b"\xff\xfe")
    assert main(["replay", str(path)]) == ExitCode.FAILED
    capsys.readouterr()
    assert main(["replay", str(tmp_path / "absent")]) == ExitCode.FAILED
    assert "cannot read" in capsys.readouterr().err
