"""Users' programs type-check against the installed package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(300)]

PROGRAM = """
from livekit import LocalParticipant, Room, RoomOptions, RpcError, RpcInvocationData, RpcOptions, rtc, stats
from livekit.protocol import models
from livekit.rtc._proto.track_pb2 import AudioTrackFeature
from livekit.rtc.room import Room as SameRoom, proto_room

feature: AudioTrackFeature.ValueType = AudioTrackFeature.TF_STEREO
options = RoomOptions(rpc=RpcOptions(max_concurrent_calls=8))
roles: list[stats.IceRole.ValueType] = [stats.IceRole.ICE_CONTROLLING]
info = proto_room.RoomInfo(name=rtc.rpc.RpcError.__name__)


def check(room: rtc.Room, track: rtc.RemoteTrack, source: rtc.TrackSource.ValueType) -> SameRoom | None:
    return room if isinstance(track, rtc.RemoteAudioTrack) and info.name else None


async def use(room: Room) -> str:
    local: LocalParticipant = room.local_participant

    @local.register_rpc_method("echo")
    async def echo(data: RpcInvocationData) -> str:
        return data.payload

    again: rtc.Room = room
    packet: models.DataPacket = models.DataPacket()
    try:
        return await local.perform_rpc(destination_identity="x", method="echo", payload=packet.participant_identity)
    except RpcError as error:
        return f"{error.code}: {error.message}, {again.name}"
"""
MISUSE = """
from livekit import Room


async def use(room: Room) -> int:
    return await room.local_participant.perform_rpc(destination_identity=1, method="echo", payload="")
"""


@pytest.mark.parametrize(("program", "errors"), [(PROGRAM, 0), (MISUSE, 2)])
def test_mypy_reports_misuse_only(tmp_path: Path, program: str, errors: int) -> None:
    pytest.importorskip("mypy", reason="installed by `make check` and `make test` only")
    file = tmp_path / "program.py"
    file.write_text(program)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--config-file=", str(file)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    reported = [line for line in done.stdout.splitlines() if "error:" in line]
    assert len(reported) == errors, done.stdout + done.stderr
