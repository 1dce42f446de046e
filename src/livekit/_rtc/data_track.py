"""Data tracks."""

from __future__ import annotations
