"""The public API is the official SDK's; see tools/api_diff.py."""

from __future__ import annotations

import copy

import pytest

from tools.annotations import canonical, parse_signature
from tools.api_diff import DATA, MEDIA, compare, load_reference, render

REFERENCE = load_reference()
FOUND = compare(REFERENCE)


@pytest.mark.parametrize("half", [DATA, MEDIA])
def test_nothing_is_missing_or_different(half: str) -> None:
    assert [str(difference) for difference in FOUND if difference.half == half] == []


def test_rendered_section_has_both_halves_and_the_version() -> None:
    section = render(REFERENCE, FOUND)
    assert "Data half" in section
    assert "Media half" in section
    assert REFERENCE["version"] in section


def test_differences_are_found() -> None:
    reference = copy.deepcopy(REFERENCE)
    reference["all"].append("Nothing")
    reference["enums"]["TrackKind"]["values"]["KIND_SMELL"] = 3
    methods = reference["classes"]["LocalParticipant"]["methods"]
    methods["set_name"] = {"signature": "(self, name: 'bytes', more: 'int' = 1) -> 'None'", "async": False}
    methods["fly"] = {"signature": "(self) -> None", "async": False}
    reference["classes"]["RoomOptions"]["fields"][0]["default"] = "False"
    reference["proto_messages"]["IceServer"]["fields"]["urls"]["number"] = 7
    found = [str(difference) for difference in compare(reference) if difference not in FOUND]
    assert [line.partition(": ")[0] for line in found] == [
        "Nothing",
        "Nothing",
        "LocalParticipant.set_name",
        "LocalParticipant.set_name",
        "LocalParticipant.set_name",
        "LocalParticipant.fly",
        "RoomOptions.auto_subscribe",
        "TrackKind",
        "IceServer.urls",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Optional[List[str]]", "list[str] | None"),
        ("Union['A', \"B\"]", "B | A"),
        ("typing.Dict[str, typing.Any]", "dict[str, Any]"),
        ("<class 'livekit.rtc.room.Room'>", "Room"),
        ("proto_room.IceTransportType.ValueType", "int"),
        ("Optional[ForwardRef('X')]", "X | None"),
        ("RemoteTrack", "RemoteAudioTrack | RemoteVideoTrack"),
    ],
)
def test_spellings_of_one_type_are_equal(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


def test_parse_signature() -> None:
    parameters, returns = parse_signature("(self, a: 'int', *, b: 'str | None' = None, **more: Any) -> 'None'")
    assert [(p.name, p.kind, p.default) for p in parameters] == [
        ("self", "POSITIONAL_OR_KEYWORD", None),
        ("a", "POSITIONAL_OR_KEYWORD", None),
        ("b", "KEYWORD_ONLY", "None"),
        ("more", "VAR_KEYWORD", None),
    ]
    assert returns == "'None'"
