"""The official SDK's protobuf modules that programs import."""

from __future__ import annotations
