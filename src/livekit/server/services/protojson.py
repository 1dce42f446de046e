"""JSON encoding of protobuf messages, as Go's protojson reads and writes it in Twirp servers.

Unlike `google.protobuf.json_format`, it refuses a field that is given twice, ignores unknown names of enums, accepts
base64 in either alphabet, with or without padding, and ignores any text after the first value.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Mapping, MutableSequence
from decimal import Decimal
from functools import cache
from typing import Any, NoReturn, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

_WHITESPACE = " \t\r\n"
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![-+._0-9A-Za-z])")
_LONGEST_INTEGER = 20
"""Digits of the largest 64-bit integer."""
_FLOAT_OVERFLOW = 3.4028235677973366e38
"""Smallest number that is rounded to infinity in 32 bits."""
_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class JsonError(ValueError):
    """The text is not JSON, or does not fit the message."""


class _Number(str):
    """The literal text of a number."""

    __slots__ = ()


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, in order."""


def _refuse(constant: str) -> NoReturn:
    raise JsonError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number, parse_constant=_refuse)


def parse(body: bytes, message: Message) -> None:
    """Fill a message, of a type without extensions and well-known types. Raises JsonError."""
    try:
        value, _ = _DECODER.raw_decode(body.decode().lstrip(_WHITESPACE))
        _fill(message, value)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise JsonError(str(error)) from error


def to_json(message: Message) -> str:
    """Return a message as JSON with the names of its definition; absent messages are null."""
    fields = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    _add_nulls(message, fields)
    return json.dumps(fields, ensure_ascii=False)


def _fill(message: Message, value: object) -> None:
    if type(value) is not _Pairs:
        raise JsonError("a message must be an object")
    known = _fields(message.DESCRIPTOR)
    seen = set[str]()
    for name, content in value:
        field = known.get(name)
        if field is None:
            continue
        if field.name in seen:
            raise JsonError(f"field {name} is given twice")
        seen.add(field.name)
        if content is not None:
            _check_oneof(message, field)
            _set_field(message, field, content)


def _set_field(message: Message, field: FieldDescriptor, content: object) -> None:
    target: Any = getattr(message, field.name)
    if _is_map(field):
        _fill_map(target, cast("Descriptor", field.message_type), content)
    elif isinstance(target, MutableSequence):
        for item in _checked_list(content):
            if field.message_type is not None:
                _fill(cast("Any", target).add(), item)
            elif (scalar := _scalar(field, item)) is not None:
                cast("MutableSequence[object]", target).append(scalar)
    elif field.message_type is not None:
        target.SetInParent()
        _fill(target, content)
    elif (scalar := _scalar(field, content)) is not None:
        setattr(message, field.name, scalar)


def _fill_map(target: dict[object, object], entry: Descriptor, content: object) -> None:
    """Fill a map from strings to scalars."""
    if type(content) is not _Pairs:
        raise JsonError("a map must be an object")
    for key, item in content:
        if _text(key) in target:
            raise JsonError("a key is given twice")
        scalar = _scalar(entry.fields_by_name["value"], item)
        if scalar is not None:
            target[key] = scalar


def _check_oneof(message: Message, field: FieldDescriptor) -> None:
    if field.containing_oneof is not None and message.WhichOneof(field.containing_oneof.name) is not None:
        raise JsonError(f"oneof {field.containing_oneof.name} is given twice")


def _checked_list(content: object) -> list[object]:
    if type(content) is not list:
        raise JsonError("a repeated field must be an array")
    return cast("list[object]", content)


def _scalar(field: FieldDescriptor, value: object) -> object:
    """Return the value of a scalar field; None for an unknown name of an enum."""
    if field.enum_type is not None and type(value) is str:
        known = field.enum_type.values_by_name.get(_text(value))
        return None if known is None else known.number
    return _SCALARS[field.type](value)


def _text(value: object) -> str:
    if type(value) is not str:
        raise JsonError("not a string")
    value.encode()  # lone surrogates
    return value


def _flag(value: object) -> bool:
    if type(value) is not bool:
        raise JsonError("not true or false")
    return value


def _bytes(value: object) -> bytes:
    text = _text(value)
    alphabet, other = (b"-_", "+/") if "-" in text or "_" in text else (b"+/", "")
    padding = "" if len(text) % 4 == 0 else "="
    if any(character in text for character in other + padding):
        raise JsonError("not base64")
    digits = text.replace("\r", "").replace("\n", "")
    return base64.b64decode(digits + padding * (-len(digits) % 4), altchars=alphabet, validate=True)


def _literal(value: object) -> str:
    """Return the literal text of a number, which may be quoted and then followed by other text."""
    if type(value) is _Number:
        return value
    found = _NUMBER.match(value) if type(value) is str and value == value.strip() else None
    if found is None:
        raise JsonError("not a number")
    return found[0]


def _integer(value: object) -> int:
    """Return an integer, which may be written with a fraction of zeros or an exponent."""
    number = Decimal(_literal(value))
    if number and (number.adjusted() >= _LONGEST_INTEGER or number != number.to_integral_value()):
        raise JsonError("not an integer")
    return int(number)


def _enum(value: object) -> int:
    if type(value) is not _Number:
        raise JsonError("not an enum")
    return _integer(value)


def _double(value: object) -> float:
    if type(value) is str and value in _FLOATS:
        return _FLOATS[value]
    number = float(_literal(value))
    if math.isinf(number):
        raise JsonError("out of range")
    return number


def _float(value: object) -> float:
    number = _double(value)
    if math.isfinite(number) and abs(number) >= _FLOAT_OVERFLOW:
        raise JsonError("out of range")
    return number


_F = FieldDescriptor
_INTEGERS = (
    *(_F.TYPE_INT32, _F.TYPE_SINT32, _F.TYPE_SFIXED32, _F.TYPE_UINT32, _F.TYPE_FIXED32),
    *(_F.TYPE_INT64, _F.TYPE_SINT64, _F.TYPE_SFIXED64, _F.TYPE_UINT64, _F.TYPE_FIXED64),
)
_SCALARS: Mapping[int, Callable[[object], object]] = {
    **dict.fromkeys(_INTEGERS, _integer),
    _F.TYPE_STRING: _text,
    _F.TYPE_BYTES: _bytes,
    _F.TYPE_BOOL: _flag,
    _F.TYPE_ENUM: _enum,
    _F.TYPE_FLOAT: _float,
    _F.TYPE_DOUBLE: _double,
}


@cache
def _fields(descriptor: Descriptor) -> Mapping[str, FieldDescriptor]:
    """Return the fields by both of their names."""
    fields = list(descriptor.fields)
    return {**{field.name: field for field in fields}, **{field.json_name: field for field in fields}}


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _add_nulls(message: Message, values: dict[str, Any]) -> None:
    for field in cast("list[FieldDescriptor]", message.DESCRIPTOR.fields):
        if field.message_type is None or _is_map(field):
            continue
        content: Any = getattr(message, field.name)
        if isinstance(content, MutableSequence):
            for item, shown in zip(cast("MutableSequence[Message]", content), values[field.name], strict=True):
                _add_nulls(item, shown)
        elif message.HasField(field.name):
            _add_nulls(content, values[field.name])
        elif field.containing_oneof is None:
            values[field.name] = None
