"""The official import path: ``from livekit import rtc`` gives the same objects as ``livekit`` itself.

A module, not a package, so that its files never overwrite the official package's in ``livekit/rtc/``. The submodules
that programs import are in ``livekit/_rtc/``; the stubs in ``livekit/rtc/`` serve type checkers, which do not find
submodules of a module.
"""

from __future__ import annotations

import importlib
import os
from importlib.util import find_spec

_livekit = importlib.import_module("livekit")
__all__: list[str] = _livekit.__all__  # pyright: ignore[reportUnsupportedDunderAll]  # checkers read the stub
__path__ = [os.path.join(os.path.dirname(__file__), "_rtc")]


def __getattr__(name: str) -> object:
    if name in __all__:
        value: object = getattr(_livekit, name)
    elif not name.startswith("__") and find_spec(f"{__name__}.{name}") is not None:
        return importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
