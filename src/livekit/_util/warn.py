"""Warnings that point at the application's line, however deep in the package they arise."""

from __future__ import annotations

import inspect
import os
import warnings

__all__ = ["warn_application"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def warn_application(message: str) -> None:
    """Issue a UserWarning for the innermost frame outside this package; Python shows it once per line."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)
