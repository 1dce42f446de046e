"""The default of callbacks that are plain attributes."""

from __future__ import annotations


def ignore(*_: object) -> None:
    """Do nothing with whatever is given."""
