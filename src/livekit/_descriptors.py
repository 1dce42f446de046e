"""Enums and messages that the official SDK exposes as protobuf types of its own, in package ``livekit.proto``.

They are built at run time in a private descriptor pool, so that they never clash with another copy in the process, and
have the official names and numbers, so that the two read each other's bytes. Enum members are plain ints, and
``.Name()``, ``.Value()``, ``.keys()``, ``.values()``, ``.items()`` work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message

from ._schema import ENUMS, MESSAGES

_PACKAGE = "livekit.proto"
_Field = descriptor_pb2.FieldDescriptorProto
_FIELD = re.compile(r"(?P<name>\w+)(?P<map>\{\})?(:(?P<type>[\w.]+))?(?P<label>[?*]?)(=(?P<number>\d+))?")
_LABELS = {"": _Field.LABEL_REQUIRED, "?": _Field.LABEL_OPTIONAL, "*": _Field.LABEL_REPEATED}


def _numbered(members: str) -> list[tuple[str, int]]:
    """Members of an enum with their numbers."""
    numbered: list[tuple[str, int]] = []
    number = 0
    for member in members.split():
        name, _, given = member.partition("=")
        number = int(given) if given else number
        numbered.append((name, number))
        number += 1
    return numbered


def _add_field(message: descriptor_pb2.DescriptorProto, text: str, number: int, enums: Mapping[str, str]) -> int:
    """Add the field that `text` describes, and return its number."""
    match = _FIELD.fullmatch(text)
    assert match, text
    number = int(match["number"] or number)
    field = message.field.add(name=match["name"], number=number, label=_LABELS[match["label"]])
    kind = match["type"] or "string"
    if match["map"]:
        entry = message.nested_type.add(name=match["name"].title().replace("_", "") + "Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
        entry.field.add(
            name="value", number=2, type=_Field.Type.Value(f"TYPE_{kind.upper()}"), label=_Field.LABEL_OPTIONAL
        )
        field.label = _Field.LABEL_REPEATED
        field.type, kind = _Field.TYPE_MESSAGE, f"{message.name}.{entry.name}"
    elif kind[0].islower():
        field.type = _Field.Type.Value(f"TYPE_{kind.upper()}")
        return number
    else:
        field.type = _Field.TYPE_ENUM if kind in enums else _Field.TYPE_MESSAGE
    field.type_name = f".{_PACKAGE}.{kind}"
    return number


def _file(name: str, enums: Mapping[str, str], messages: Mapping[str, str]) -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name=name, package=_PACKAGE, syntax="proto2")
    for enum_name, members in enums.items():
        added = file.enum_type.add(name=enum_name)
        for member, number in _numbered(members):
            added.value.add(name=member, number=number)
    made: dict[str, descriptor_pb2.DescriptorProto] = {}
    for full_name, fields in messages.items():
        path, _, choice = full_name.partition("|")
        parent, _, short = path.rpartition(".")
        message = made[path] = made[parent].nested_type.add(name=short) if parent else file.message_type.add(name=short)
        number = 0
        for text in fields.split():
            number = _add_field(message, text, number + 1, enums)
        if choice:
            message.oneof_decl.add(name=choice)
            for field in message.field:
                field.oneof_index = 0
    return file


_pool = descriptor_pool.DescriptorPool()
_pool.Add(_file("livekit/proto.proto", ENUMS, MESSAGES))


def add_file(name: str, enums: Mapping[str, str], messages: Mapping[str, str]) -> None:
    """Make further types known; once each."""
    _pool.Add(_file(name, enums, messages))


def enum(name: str) -> EnumTypeWrapper:
    return EnumTypeWrapper(_pool.FindEnumTypeByName(f"{_PACKAGE}.{name}"))


def message(name: str) -> type[Message]:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
