"""The default of attributes that hold a callback."""

from __future__ import annotations


def ignore(*_: object) -> None:
    """Do nothing with any arguments."""
