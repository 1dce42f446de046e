"""Protobuf types of calls."""

from __future__ import annotations

from typing import NoReturn

from livekit._proto.absent import raise_for_absent

__all__: list[str] = []


def __getattr__(name: str) -> NoReturn:
    raise_for_absent(__name__, name)
