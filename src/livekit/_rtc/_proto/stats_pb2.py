"""Protobuf types of statistics."""

from __future__ import annotations

from typing import NoReturn

from livekit._proto.absent import raise_for_absent
from livekit._proto.stats_pb2 import *


def __getattr__(name: str) -> NoReturn:
    raise_for_absent(__name__, name)
