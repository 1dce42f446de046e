"""The packet recorder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from livekit._room.packet_recorder import PacketRecorder
from livekit.engine.packet_filter import PacketFilter
from livekit.options import RecordOptions
from livekit.protocol import models
from livekit.rpc import wire
from livekit.rpc.errors import RpcError
from livekit.streams.framing import text_stream
from tests.e2ee.test_packet_cipher import PacketSink


def record(path: Path, *, payloads: bool = False) -> PacketRecorder:
    recorder = PacketRecorder(RecordOptions(path=path, payloads=payloads))
    recorder.identity = "alice"
    return recorder


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_payloads_are_not_recorded_by_default(tmp_path: Path) -> None:
    recorder = record(tmp_path / "wire")
    recorder.record_sent(wire.request_packet("bob", "r1", "add", "sécret", 1500))
    recorder.record_received(wire.error_packet("alice", "r1", RpcError(2001, "sécret", "sécret")))
    recorder.record_received(models.DataPacket(user=models.UserPacket(topic="t", payload=b"s\xc3\xa9cret")))
    recorder.close()
    assert "cret" not in (tmp_path / "wire").read_text()
    request, error, user = read(tmp_path / "wire")
    assert request["method"] == "add"
    assert request["timeout_ms"] == 1500
    assert request["payload_bytes"] == 7
    assert (request["local"], request["way"], request["peer"]) == ("alice", "out", ["bob"])
    assert (error["code"], error["message_bytes"], error["data_bytes"]) == (2001, 7, 7)
    assert user["payload_bytes"] == 7


def test_payloads_are_recorded_if_enabled(tmp_path: Path) -> None:
    recorder = record(tmp_path / "wire", payloads=True)
    recorder.record_sent(wire.response_packet("bob", "r1", "sécret"))
    recorder.close()
    assert read(tmp_path / "wire")[0]["payload"] == "sécret"


def test_streams_of_calls_carry_the_request_id(tmp_path: Path) -> None:
    recorder = record(tmp_path / "wire")
    sender = PacketFilter(PacketSink(), recorder.record_sent)
    packets = text_stream(
        "x" * 20_000,
        topic=wire.REQUEST_TOPIC,
        destinations=["bob"],
        attributes=wire.request_attributes("r1", "m", 9),
        timestamp_ms=0,
    )
    assert not isinstance(packets, models.DataPacket)
    sender.send_packets(packets)
    sender.send_packet(wire.cancel_packet("bob", "s1", "r1"))
    recorder.close()
    header, first, second, end, cancel = read(tmp_path / "wire")
    assert (header["request_id"], header["method"], header["timeout_ms"]) == ("r1", "m", 9)
    assert first["content_bytes"] + second["content_bytes"] == 20_000
    assert end["kind"] == "stream_trailer"
    assert (cancel["request_id"], cancel["reason"]) == ("r1", "cancelled")


def test_unknown_compression_is_recorded_as_a_number(tmp_path: Path) -> None:
    recorder = record(tmp_path / "wire")
    packet = models.DataPacket(stream_header=models.DataStream.Header(stream_id="s", topic="t"))
    number = models.DataStream.Header.DESCRIPTOR.fields_by_name["compression"].number
    packet.stream_header.MergeFromString(bytes((number << 3, 99)))
    recorder.record_received(packet)
    recorder.close()
    (line,) = read(tmp_path / "wire")
    assert line["compression"] == "99"


def test_packets_after_close_are_ignored(tmp_path: Path) -> None:
    recorder = record(tmp_path / "wire")
    recorder.close()
    recorder.record_sent(wire.ack_packet("bob", "r1"))
    assert read(tmp_path / "wire") == []


def test_environment_variables_enable_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVEKIT_RECORD", raising=False)
    assert RecordOptions.from_environment() is None
    monkeypatch.setenv("LIVEKIT_RECORD", "x")
    assert RecordOptions.from_environment() == RecordOptions(path="x")
    monkeypatch.setenv("LIVEKIT_RECORD_PAYLOADS", "1")
    assert RecordOptions.from_environment() == RecordOptions(path="x", payloads=True)


@pytest.mark.parametrize("path", ["/dev/full", "absent/file", "."])
def test_a_file_that_cannot_be_written_ends_the_recording_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    if path == "/dev/full" and not Path(path).exists():
        pytest.skip("the system has no /dev/full")
    recorder = record(tmp_path / path)
    for _ in range(3):
        recorder.record_sent(wire.request_packet("bob", "r1", "add", "", 1500))
        recorder.record_received(models.DataPacket())
    recorder.close()
    assert ["no longer recorded" in message for message in caplog.messages] == [True]


def test_attribute_of_thousands_of_digits_is_recorded_as_text(tmp_path: Path) -> None:
    recorder = record(tmp_path / "wire")
    attributes = {"lk.rpc_request_id": "r1", "lk.rpc_request_response_timeout_ms": "9" * 5000}
    recorder.record_received(models.DataPacket(stream_header=models.DataStream.Header(attributes=attributes)))
    recorder.close()
    assert read(tmp_path / "wire")[0]["timeout_ms"] == "9" * 5000


def test_deleted_file_disturbs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = record(tmp_path / "wire")
    (tmp_path / "wire").unlink()
    recorder.record_received(models.DataPacket())
    recorder.close()
    assert caplog.messages == []
