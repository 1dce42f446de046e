"""Protobuf types of statistics."""

from __future__ import annotations

from livekit.stats import *
