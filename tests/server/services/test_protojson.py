"""JSON of protobuf messages; the right values are those of livekit-server 1.13.5."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from google.protobuf.message import Message

from livekit.protocol import egress, models
from livekit.protocol import room as room_pb
from livekit.server.services import protojson

CREATE = room_pb.CreateRoomRequest


def parsed(body: str | bytes) -> room_pb.CreateRoomRequest:
    message = CREATE()
    protojson.parse(body if isinstance(body, bytes) else body.encode(), message)
    return message


def field_of(message: Message, name: str, value: str) -> object:
    """Parse an object with one field into a message, and return the field; None if the value is refused."""
    try:
        protojson.parse(f'{{"{name}":{value}}}'.encode(), message)
    except protojson.JsonError:
        return None
    return getattr(message, name)


@pytest.mark.parametrize(
    "body",
    [
        *('{"emptyTimeout":5}', '{"empty_timeout":"5"}', '{"empty_timeout":5.0}', '{"empty_timeout":50e-1}'),
        *('{"empty_timeout":"5 s"}', '{"empty_timeout":"5,"}', ' {"empty_timeout":5} {"empty_timeout":6}'),
        *('{"empty_timeout":5,"x":1,"x":2,"[y]":{"z":[null]}}', '{"empty_timeout":5,"Empty_Timeout":6,"@type":"x"}'),
        *('{"empty_timeout":5,"metadata":null,"agents":null}', '{"empty_timeout":5.' + "0" * 3000 + "}"),
        '{"empty_timeout":5,"x":' + "[" * 500 + "]" * 500 + "}",
    ],
)
def test_accepted(body: str) -> None:
    assert parsed(body) == CREATE(empty_timeout=5)


@pytest.mark.parametrize(
    "body",
    [
        *("", "null", "[]", '"x"', "5", "{", '{"name":"x",}', "{'name':'x'}", '\ufeff{"name":"x"}', b'{"name":"\xff"}'),
        *('{"name":"a","name":"b"}', '{"emptyTimeout":1,"empty_timeout":1}', '{"name":5}', '{"name":true}'),
        *('{"name":["a"]}', '{"name":"\\ud800"}', '{"name":"a\tb"}', '{"sync_streams":"true"}', '{"sync_streams":1}'),
        *('{"empty_timeout":" 5"}', '{"empty_timeout":"\\"5\\""}', '{"empty_timeout":5.5}', '{"empty_timeout":-1}'),
        *('{"empty_timeout":4294967296}', '{"empty_timeout":NaN}', '{"empty_timeout":1e999}', '{"empty_timeout":""}'),
        *('{"empty_timeout":1e99999999999999999999}', '{"empty_timeout":' + "9" * 5000 + "}", '{"empty_timeout":05}'),
        *('{"empty_timeout":+5}', '{"empty_timeout":"0x5"}', '{"empty_timeout":"1_0"}', '{"empty_timeout":"\u0661"}'),
        *('{"agents":{}}', '{"agents":[null]}', '{"agents":[5]}', '{"agents":[{"attributes":{"a":"b","a":"c"}}]}'),
        *('{"agents":[{"attributes":{"a":null}}]}', '{"agents":[{"attributes":{"a":5}}]}'),
        *('{"agents":[{"attributes":[]}]}', "[" * 100_000, '{"x":' + "[" * 20_000 + "]" * 20_000 + "}"),
    ],
    ids=lambda body: repr(body[:40]),
)
def test_refused(body: str | bytes) -> None:
    with pytest.raises(protojson.JsonError):
        parsed(body)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        *(
            ("aGk", b"hi"),
            ("aGk=", b"hi"),
            ("-_-_", b"\xfb\xff\xbf"),
            ("+/+/", b"\xfb\xff\xbf"),
            ("aGk=\n\n\n\n", b"hi"),
        ),
        *(("aGl=", b"hi"), ("", b"")),
        *((text, None) for text in ("+/-_", "a", "aG=k", "aGk==", "aG k", "aG\nk=", "é", "a===")),
    ],
)
def test_bytes(text: str, data: bytes | None) -> None:
    assert field_of(room_pb.SendDataRequest(), "data", json.dumps(text)) == data


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        *(('"LOSSY"', 1), ("1", 1), ("1.0", 1), ("99", 99), ("null", 0), ('"unknown"', 0), ('"1"', 0)),
        *(('"\\ud800"', None), ("1.5", None), ("true", None), ("99999999999", None), ("[]", None)),
    ],
)
def test_enums(kind: str, number: int | None) -> None:
    assert field_of(room_pb.SendDataRequest(), "kind", kind) == number


def test_unknown_names_are_left_out_of_lists_of_enums() -> None:
    message = models.ParticipantPermission()
    protojson.parse(b'{"canPublishSources": ["CAMERA", "unknown", 2]}', message)
    assert list(message.can_publish_sources) == [models.CAMERA, models.MICROPHONE]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), ('"-2.5e1"', -25.0), ('"NaN"', math.nan), ('"-Infinity"', -math.inf), ("1e999", None), ("true", None)],
)
def test_floating_point(text: str, value: float | None) -> None:
    found = field_of(egress.EncodingOptions(), "key_frame_interval", text)
    assert found == (None if value is None else pytest.approx(value, nan_ok=True))


def test_only_one_member_of_a_oneof() -> None:
    message = egress.EncodedFileOutput()
    with pytest.raises(protojson.JsonError, match="oneof"):
        protojson.parse(b'{"s3": {}, "gcp": {}}', message)


def test_absent_messages_are_null() -> None:
    shown: dict[str, Any] = json.loads(protojson.to_json(room_pb.MuteRoomTrackResponse()))
    assert shown == {"track": None}
    versioned = models.Room(name="é", version=models.TimedVersion(ticks=1))
    rooms = room_pb.ListRoomsResponse(rooms=[versioned, models.Room()])
    listed = json.loads(protojson.to_json(rooms))["rooms"]
    assert [room["version"] for room in listed] == [{"unix_micro": "0", "ticks": 1}, None]
    assert (listed[0]["name"], listed[1]["metadata"], listed[0]["creation_time"]) == ("é", "", "0")
