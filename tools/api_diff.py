"""Compare the public API with the official SDK's: `make api-diff`.

Compares `livekit.rtc` and `livekit` with tests/reference/official_api.json and prints the differences of the data half
and of the media half. Exits with 0 if the data half has none. Additions are not differences: names, members, optional
parameters, and trailing fields.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools.annotations import canonical, parse_signature, value

REFERENCE = Path(__file__).resolve().parents[1] / "tests" / "reference" / "official_api.json"
DATA, MEDIA = "data", "media"
MEDIA_NOTE = "Audio and video are not implemented: their classes and methods exist and raise `MediaNotBuiltError`."

MEDIA_MODULES = frozenset(
    {
        "livekit.rtc.apm",
        "livekit.rtc.audio_filter",
        "livekit.rtc.audio_frame",
        "livekit.rtc.audio_mixer",
        "livekit.rtc.audio_resampler",
        "livekit.rtc.audio_source",
        "livekit.rtc.audio_stream",
        "livekit.rtc.encoded_video",
        "livekit.rtc.frame_processor",
        "livekit.rtc.media_devices",
        "livekit.rtc.platform_audio",
        "livekit.rtc.synchronizer",
        "livekit.rtc.track",
        "livekit.rtc.track_publication",
        "livekit.rtc.utils",
        "livekit.rtc.video_frame",
        "livekit.rtc.video_source",
        "livekit.rtc.video_stream",
    }
)
MEDIA_MEMBERS = frozenset(
    {
        "LocalParticipant.publish_track",
        "LocalParticipant.unpublish_track",
        "LocalParticipant.set_track_subscription_permissions",
        "LocalParticipant.track_publications",
        "RemoteParticipant.track_publications",
        "Participant.track_publications",
        "FrameCryptor",
        "E2EEManager.frame_cryptors",
        "DegradationPreference",
        "PublishTrackError",
        "UnpublishTrackError",
    }
)
INTERNAL = ("owned_info", "ffi_handle", "room_handle", "room_queue", "OwnedTrack")
"""Parameters of constructors that only the SDK itself calls."""
MADE_BY_SDK = frozenset({"ByteStreamWriter", "TextStreamWriter"})
"""Classes whose constructors are private: `stream_text` and `stream_bytes` return writers."""


@dataclasses.dataclass(frozen=True)
class Difference:
    """A difference from the official SDK, in the data half or the media half."""

    half: str
    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


def load_reference() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(REFERENCE.read_text())
    return loaded


def half_of(name: str, module: str = "") -> str:
    """Return DATA or MEDIA for a class, function or member."""
    if name in MEDIA_MEMBERS or name.partition(".")[0] in MEDIA_MEMBERS or module in MEDIA_MODULES:
        return MEDIA
    return DATA


Findings = Iterator[tuple[str, str]]
"""Pairs of a name and its difference."""


def compare(reference: Mapping[str, Any]) -> list[Difference]:
    """Return all differences, in the order of the reference."""
    differences = [*_compare_names(reference), *_compare_events(reference["events"])]
    for kind, home, check in (
        ("classes", "livekit.rtc", _compare_class),
        ("unexported_exceptions", "livekit.rtc.participant", _compare_class),
        ("enums", "livekit.rtc", _compare_enum),
        ("proto_messages", "livekit.rtc", _compare_message),
        ("functions", "livekit.rtc", _compare_function),
    ):
        module = importlib.import_module(home)
        for name, described in reference[kind].items():
            found = check(name, getattr(module, name, None), described)
            differences += [Difference(half_of(w, described.get("module", "")), w, problem) for w, problem in found]
    return list(dict.fromkeys(differences))


def _compare_names(reference: Mapping[str, Any]) -> Iterator[Difference]:
    rtc, top = importlib.import_module("livekit.rtc"), importlib.import_module("livekit")
    for name in reference["all"]:
        for package in (rtc, top):
            if not hasattr(package, name) or name not in package.__all__:
                yield Difference(half_of_export(reference, name), name, f"not in {package.__name__}")
    for name in reference["importable_but_not_in_all"]:
        if not hasattr(rtc, name):
            yield Difference(half_of("", f"livekit.rtc.{name}"), name, "not in livekit.rtc")


def _compare_events(events: list[str]) -> Iterator[Difference]:
    known = get_args(importlib.import_module("livekit.rtc.room").EventTypes)
    for event in events:
        if event not in known:
            yield Difference(DATA, f"event {event}", "not in EventTypes")


def _compare_class(name: str, ours: Any, described: Mapping[str, Any]) -> Findings:
    if ours is None:
        yield name, "missing"
        return
    bases = {base.__name__ for base in inspect.getmro(ours)}
    for base in described["bases"]:
        if base not in bases | {"BaseStreamInfo", "BaseStreamWriter"}:
            yield name, f"is not a {base}"
    if described.get("dataclass"):
        yield from _compare_fields(name, ours, described["fields"])
    elif described["init"] and name not in MADE_BY_SDK and not any(mark in described["init"] for mark in INTERNAL):
        yield from _compare_callable(f"{name}.__init__", ours.__init__, described["init"])
    for method, member in described["methods"].items():
        if method == "__repr__" and ours.__repr__ is not object.__repr__:
            continue
        yield from _compare_method(f"{name}.{method}", ours, method, member)
    for attribute, member in described["properties"].items():
        yield from _compare_property(f"{name}.{attribute}", ours, attribute, member)
    for nested, member in described.get("nested", {}).items():
        yield from _compare_enum(f"{name}.{nested}", getattr(ours, nested, None), member)


def _compare_fields(name: str, ours: Any, fields: list[Mapping[str, str]]) -> Findings:
    if not dataclasses.is_dataclass(ours):
        yield name, "is not a dataclass"
        return
    have = {field.name: field for field in dataclasses.fields(ours)}
    if list(have)[: len(fields)] != [field["name"] for field in fields]:
        yield name, f"has the fields {', '.join(have)}"
        return
    for field in fields:
        mine, where = have[field["name"]], f"{name}.{field['name']}"
        default = _default_of(mine)
        if default != field["default"]:
            yield where, f"default is {default}, not {field['default']}"
        yield from _compare_types(where, "", mine.type, field["type"])


def _default_of(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return repr(field.default)
    if field.default_factory is dataclasses.MISSING:
        return "REQUIRED"
    return f"factory:{getattr(field.default_factory, '__name__', '')}"


def _compare_method(where: str, ours: Any, name: str, described: Mapping[str, Any]) -> Findings:
    method: Any = inspect.getattr_static(ours, name, None)
    if method is None:
        yield where, "missing"
        return
    kind = type(method).__name__ if type(method) in (staticmethod, classmethod) else ""
    if kind != described.get("kind", ""):
        yield where, f"is a {kind or 'method'}, not a {described.get('kind') or 'method'}"
    function = getattr(method, "__func__", method)
    if inspect.iscoroutinefunction(function) != described["async"]:
        yield where, "is a coroutine function" if not described["async"] else "is not a coroutine function"
    yield from _compare_callable(where, function, described["signature"])


def _compare_property(where: str, ours: Any, name: str, described: Mapping[str, Any]) -> Findings:
    found = inspect.getattr_static(ours, name, None)
    if not isinstance(found, property):
        yield where, "missing" if found is None else "is not a property"
        return
    if described["settable"] and found.fset is None:
        yield where, "cannot be set"
    if inspect.iscoroutinefunction(found.fget) != described["async"]:
        yield where, "must be awaited" if not described["async"] else "cannot be awaited"
    annotations = getattr(found.fget, "__annotations__", {})
    yield from _compare_types(where, "", annotations.get("return"), described["type"])


def _compare_callable(where: str, ours: Any, signature: str) -> Findings:
    if ours is None:
        yield where, "missing"
        return
    theirs, returns = parse_signature(signature)
    mine = inspect.signature(ours)
    if theirs and theirs[0].name in ("self", "cls"):
        theirs = theirs[1:]
    have = dict(mine.parameters)
    if have and next(iter(have)) in ("self", "cls"):
        del have[next(iter(have))]
    for wanted in theirs:
        parameter = have.pop(wanted.name, None)
        if parameter is None:
            yield where, f"has no parameter {wanted.name}"
            continue
        if parameter.kind.name != wanted.kind:
            yield where, f"{wanted.name} is {parameter.kind.name}, not {wanted.kind}"
        yield from _compare_default(where, parameter, wanted.default)
        yield from _compare_types(where, wanted.name, parameter.annotation, wanted.annotation, takes=True)
    for parameter in have.values():
        if parameter.default is parameter.empty and "VAR" not in parameter.kind.name:
            yield where, f"needs the parameter {parameter.name}"
    yield from _compare_types(where, "return type", mine.return_annotation, returns)


def _compare_function(name: str, ours: Any, described: Mapping[str, Any]) -> Findings:
    return _compare_callable(name, ours, described["signature"])


def _compare_default(where: str, parameter: inspect.Parameter, wanted: str | None) -> Findings:
    if (parameter.default is parameter.empty) != (wanted is None):
        yield where, f"{parameter.name} is {'required' if wanted else 'optional'}"
    elif wanted is not None and parameter.default is not None:
        mine, theirs = value(repr(parameter.default)), value(wanted)
        if mine is not None and theirs is not None and mine != theirs:
            yield where, f"{parameter.name} has the default {mine}, not {theirs}"
    elif wanted is not None and not re.fullmatch(r"None|\.\.\.|\[\]|RoomOptions\(.*\)", wanted):
        yield where, f"{parameter.name} has the default None, not {wanted}"


def _compare_types(where: str, part: str, ours: object, theirs: str | None, *, takes: bool = False) -> Findings:
    """Compare types; a parameter may accept more than the official one, a result may be more specific.

    Args:
        part: A parameter's name, "return type", or empty for an attribute.
        takes: The types are those of a parameter.
    """
    if theirs is None or (where, part) in EQUIVALENT:
        return
    mine, wanted = canonical(ours), canonical(theirs)
    if mine is None or wanted is None:
        return
    if takes:
        mine |= {type_.replace("Sequence[", "list[").replace("Mapping[", "dict[") for type_ in mine}
    if not (wanted <= mine if takes else mine <= wanted):
        yield (
            where,
            f"{part + ' ' if part else ''}is {' | '.join(sorted(mine))}, not {' | '.join(sorted(wanted))}",
        )


def _compare_enum(name: str, ours: Any, described: Mapping[str, Any]) -> Findings:
    if ours is None:
        yield name, "missing"
        return
    if described["kind"] == "protobuf_enum":
        if not isinstance(ours, EnumTypeWrapper) or ours.DESCRIPTOR.full_name != described["full_name"]:
            yield name, f"is not the protobuf enum {described['full_name']}"
        values: Mapping[str, object] = dict(ours.items())
    else:
        bases = {base.__name__ for base in inspect.getmro(ours)}
        if not issubclass(ours, enum.Enum) or not bases.issuperset(described["bases"]):
            yield name, f"is not a {' and '.join(described['bases'])}"
        values = {member.name: member.value for member in ours}
    if values != described["values"]:
        yield name, f"has the values {values}"


def _compare_message(name: str, ours: Any, described: Mapping[str, Any]) -> Findings:
    if ours is None:
        yield name, "missing"
        return
    have = {field.name: _message_field(field) for field in ours.DESCRIPTOR.fields}
    for field, member in described["fields"].items():
        if have.get(field) != member:
            yield f"{name}.{field}", f"is {have.get(field)}, not {member}"


def _message_field(field: FieldDescriptor) -> dict[str, object]:
    repeated = getattr(field, "is_repeated", None)
    if repeated is None:  # before protobuf 6.31
        repeated = getattr(field, "label") == FieldDescriptor.LABEL_REPEATED  # noqa: B009
    return {
        "number": field.number,
        "type": field.type,
        "is_repeated": repeated,
        "message": field.message_type.full_name if field.message_type else None,
        "enum": field.enum_type.full_name if field.enum_type else None,
    }


EQUIVALENT: Mapping[tuple[str, str], str] = {
    ("ByteStreamReader.__aiter__", "return type"): "a reader is its own iterator",
    ("TextStreamReader.__aiter__", "return type"): "a reader is its own iterator",
    ("DataTrackStream.__aiter__", "return type"): "a stream is its own iterator",
    ("ByteStreamReader.__anext__", "return type"): "bytes; a type variable of the base of both readers",
    ("TextStreamReader.__anext__", "return type"): "str; a type variable of the base of both readers",
    ("ByteStreamReader.info", ""): "a type variable of the base of both readers",
    ("TextStreamReader.info", ""): "a type variable of the base of both readers",
    ("ByteStreamWriter.info", ""): "a type variable of the base of both writers",
    ("TextStreamWriter.info", ""): "a type variable of the base of both writers",
}
"""Types that are equivalent despite different spelling, with the reason."""


def render(reference: Mapping[str, Any], found: list[Difference]) -> str:
    """Return the section of docs/conformance.md."""
    missing = [difference for difference in found if difference.half == DATA]
    named = [name for name in reference["all"] if half_of_export(reference, name) == MEDIA]
    counts = f"{len(reference['all']) - len(named)} exported names, {len(missing)} differences"
    lines = [
        f"Compared with the public surface of the official SDK {reference['version']} by `make api-diff`:",
        "",
        f"- Data half: {counts}.",
        f"- Media half: {len(named)} exported names, {len(found) - len(missing)} differences. {MEDIA_NOTE}",
        *(f"  - {difference}" for difference in found),
    ]
    return "\n".join(lines) + "\n"


def section() -> str:
    """Return the section for the current state of the package."""
    reference = load_reference()
    return render(reference, compare(reference))


def half_of_export(reference: Mapping[str, Any], name: str) -> str:
    """Return DATA or MEDIA for an exported name."""
    kinds = ("classes", "functions", "enums")
    module = next((str(reference[kind][name].get("module", "")) for kind in kinds if name in reference[kind]), "")
    if name in reference["type_aliases_in_all"] or name.startswith(("Video", "Encoded")):
        return MEDIA
    return half_of(name, module)


def main() -> int:
    reference = load_reference()
    found = compare(reference)
    for half in (DATA, MEDIA):
        differences = [difference for difference in found if difference.half == half]
        print(f"{half} half: {len(differences)} missing or different")
        for difference in differences:
            print(f"  {difference}")
    print(MEDIA_NOTE)
    return int(any(difference.half == DATA for difference in found))


if __name__ == "__main__":
    sys.exit(main())
