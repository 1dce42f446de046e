"""Data streams as packets: writing them out and putting them together again, without I/O."""

from __future__ import annotations
