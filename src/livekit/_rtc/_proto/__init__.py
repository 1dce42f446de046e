"""The official SDK's protobuf modules: their enums, and the messages that programs build or read."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    if name.endswith("_pb2") and find_spec(f"{__name__}.{name}") is not None:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
