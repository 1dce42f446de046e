"""Pydantic support of frames. In JSON, bytes are base64 and enums are names."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Mapping, Sequence
from typing import Any, cast


def frame_schema(frame: type, fields: Sequence[str], enums: Mapping[str, Any] | None = None) -> Any:
    """Return the core schema of a frame class. pydantic-core is imported here, as only pydantic calls this."""
    core = importlib.import_module("pydantic_core.core_schema")
    names = enums or {}

    def load(value: object) -> object:
        value = cast("tuple[object, ...]", value)[0] if isinstance(value, tuple) else value
        if isinstance(value, frame):
            return value
        if not isinstance(value, dict):
            raise TypeError(f"{value!r} is not a {frame.__name__}")
        arguments = {name: cast("dict[str, Any]", value)[name] for name in fields}
        arguments["data"] = base64.b64decode(arguments["data"])
        arguments.update({name: wrapper.Value(arguments[name]) for name, wrapper in names.items()})
        return frame(**arguments)

    def dump(value: Any) -> dict[str, Any]:
        serialized = {name: getattr(value, name) for name in fields}
        serialized["data"] = base64.b64encode(serialized["data"]).decode()
        serialized.update({name: wrapper.Name(serialized[name]) for name, wrapper in names.items()})
        return serialized

    text, number, loaded = core.str_schema(), core.int_schema(), core.no_info_plain_validator_function(load)
    kinds = {name: core.model_field(text if name == "data" or name in names else number) for name in fields}
    return core.json_or_python_schema(
        json_schema=core.chain_schema([core.model_fields_schema(kinds), loaded]),
        python_schema=loaded,
        serialization=core.plain_serializer_function_ser_schema(dump),
    )
