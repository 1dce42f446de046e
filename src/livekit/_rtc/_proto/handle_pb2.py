"""Protobuf types of the native library's handles."""

from __future__ import annotations

from typing import NoReturn

from livekit._proto.absent import raise_for_absent
from livekit._proto.handles_pb2 import (
    FfiOwnedHandle,
)

__all__ = [
    "FfiOwnedHandle",
]


def __getattr__(name: str) -> NoReturn:
    raise_for_absent(__name__, name)
