"""Write the type stubs of `livekit.enums`, `livekit.messages` and `livekit.stats` from their descriptors.

python tools/stubs.py            write them
python tools/stubs.py --check    only say whether they are up to date
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message

from livekit import enums, messages, stats

SOURCES = Path(__file__).resolve().parents[1] / "src" / "livekit"
_SCALARS = {
    FieldDescriptor.CPPTYPE_BOOL: "bool",
    FieldDescriptor.CPPTYPE_DOUBLE: "float",
    FieldDescriptor.CPPTYPE_FLOAT: "float",
}


def enum_stub(name: str, members: Iterable[str]) -> list[str]:
    """The stub of one enum, in the form of protobuf's own."""
    values = [f"    {member}: _{name}.ValueType" for member in members]
    return [
        f"class _{name}:",
        '    ValueType = NewType("ValueType", int)',
        "    V: TypeAlias = ValueType",
        "",
        f"class _{name}Wrapper(_EnumTypeWrapper[_{name}.ValueType], type):",
        *values,
        "",
        f"class {name}(_{name}, metaclass=_{name}Wrapper): ...",
        "",
    ]


def scalar(field: FieldDescriptor) -> str:
    """The Python type of one value of a field."""
    if field.enum_type is not None:
        name = field.enum_type.name
        return f"{name}.ValueType" if hasattr(enums, name) or hasattr(stats, name) else "int"
    if field.message_type is not None:
        return relative(field.message_type)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return "bytes" if field.type == FieldDescriptor.TYPE_BYTES else "str"
    return _SCALARS.get(field.cpp_type, "int")


def relative(message: Descriptor) -> str:
    return message.full_name.removeprefix("livekit.proto.")


def read_type(field: FieldDescriptor) -> str:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields
        return f"MutableMapping[{scalar(key)}, {scalar(value)}]"
    if not field.is_repeated:
        return scalar(field)
    container = "RepeatedScalarFieldContainer" if field.message_type is None else "RepeatedCompositeFieldContainer"
    return f"{container}[{scalar(field)}]"


def write_type(field: FieldDescriptor) -> str:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields
        return f"Mapping[{scalar(key)}, {scalar(value)}]"
    if field.is_repeated:
        return f"Iterable[{scalar(field)}]"
    return scalar(field) if field.message_type is None else f"{scalar(field)} | None"


def message_stub(message: Descriptor, indent: str = "") -> list[str]:
    inner = indent + "    "
    lines = [f"{indent}class {message.name}(Message):"]
    for nested in message.nested_types:
        if not nested.GetOptions().map_entry:
            lines += message_stub(nested, inner)
    lines += [f"{inner}{field.name}: {read_type(field)}" for field in message.fields]
    arguments = [f"{field.name}: {write_type(field)} = ..." for field in message.fields]
    parameters = ", ".join(["self", *(["*", *arguments] if arguments else [])])
    return [*lines, f"{inner}def __init__({parameters}) -> None: ...", ""]


def formatted(path: Path, text: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--quiet", "--stdin-filename", str(path), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def module_stub(module: ModuleType, imports: str) -> str:
    lines = [f"# The types of {module.__name__.rpartition('.')[2]}.py; written by tools/stubs.py.", imports, ""]
    for name, value in vars(module).items():
        if isinstance(value, EnumTypeWrapper):
            lines += enum_stub(name, value.keys())
        elif isinstance(value, type) and issubclass(value, Message):
            lines += message_stub(cast("Descriptor", value.DESCRIPTOR))
    return "\n".join(lines).rstrip() + "\n"


ENUM_IMPORTS = """\
from typing import NewType, TypeAlias

from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper
"""
MESSAGE_IMPORTS = """\
from collections.abc import Iterable

from google.protobuf.internal.containers import RepeatedScalarFieldContainer
from google.protobuf.message import Message
"""
STATS_IMPORTS = """\
# ruff: noqa: A002
from collections.abc import Mapping, MutableMapping
from typing import NewType, TypeAlias

from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper
from google.protobuf.message import Message
"""


def stubs() -> dict[Path, str]:
    """What each stub should contain."""
    described = {field.enum_type.name for field in _fields(messages) if field.enum_type is not None}
    used = ", ".join(sorted(name for name in described if hasattr(enums, name)))
    texts = {
        SOURCES / "enums.pyi": module_stub(enums, ENUM_IMPORTS),
        SOURCES / "messages.pyi": module_stub(messages, MESSAGE_IMPORTS + f"\nfrom .enums import {used}\n"),
        SOURCES / "stats.pyi": module_stub(stats, STATS_IMPORTS),
    }
    return {path: formatted(path, text) for path, text in texts.items()}


def _fields(module: ModuleType) -> Iterable[FieldDescriptor]:
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Message):
            yield from cast("Descriptor", value.DESCRIPTOR).fields


def main(arguments: list[str]) -> int:
    stale = {path: text for path, text in stubs().items() if not path.exists() or path.read_text() != text}
    for path, text in stale.items():
        print(path.relative_to(SOURCES.parents[1]))
        if "--check" not in arguments:
            path.write_text(text)
    return int("--check" in arguments and bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
