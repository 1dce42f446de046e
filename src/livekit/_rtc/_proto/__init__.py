"""The official SDK's protobuf modules, as far as programs import them."""

from __future__ import annotations
