"""Protobuf types of the native library's requests and events."""

from __future__ import annotations

from typing import NoReturn

from livekit._proto.absent import raise_for_absent
from livekit._proto.enums_pb2 import (
    LOG_DEBUG,
    LOG_ERROR,
    LOG_INFO,
    LOG_TRACE,
    LOG_WARN,
    LogLevel,
)

__all__ = [
    "LOG_DEBUG",
    "LOG_ERROR",
    "LOG_INFO",
    "LOG_TRACE",
    "LOG_WARN",
    "LogLevel",
]


def __getattr__(name: str) -> NoReturn:
    raise_for_absent(__name__, name)
