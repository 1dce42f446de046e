"""Frames as fields of pydantic models: in JSON their bytes are base64 and their enums names."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Mapping, Sequence
from typing import Any, cast


def frame_schema(frame: type, fields: Sequence[str], enums: Mapping[str, Any] | None = None) -> Any:
    """The core schema of a frame class; only pydantic asks for it, so only then it is needed."""
    core = importlib.import_module("pydantic_core.core_schema")
    names = enums or {}

    def load(value: object) -> object:
        value = cast("tuple[object, ...]", value)[0] if isinstance(value, tuple) else value
        if isinstance(value, frame):
            return value
        if not isinstance(value, dict):
            raise TypeError(f"{value!r} is no {frame.__name__}")
        given = {name: cast("dict[str, Any]", value)[name] for name in fields}
        given["data"] = base64.b64decode(given["data"])
        given.update({name: wrapper.Value(given[name]) for name, wrapper in names.items()})
        return frame(**given)

    def dump(value: Any) -> dict[str, Any]:
        told = {name: getattr(value, name) for name in fields}
        told["data"] = base64.b64encode(told["data"]).decode()
        told.update({name: wrapper.Name(told[name]) for name, wrapper in names.items()})
        return told

    text, number, loaded = core.str_schema(), core.int_schema(), core.no_info_plain_validator_function(load)
    kinds = {name: core.model_field(text if name == "data" or name in names else number) for name in fields}
    return core.json_or_python_schema(
        json_schema=core.chain_schema([core.model_fields_schema(kinds), loaded]),
        python_schema=loaded,
        serialization=core.plain_serializer_function_ser_schema(dump),
    )
