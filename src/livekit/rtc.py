"""The official import path: ``from livekit import rtc`` gives the same objects as ``livekit`` itself.

A module, and not a folder, so that its files never take the places of the official package's in ``livekit/rtc/``. The
submodules that programs import are in ``livekit/_rtc/``; the stubs in ``livekit/rtc/`` are for type checkers, which see
no submodules of a module.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path

import livekit
from livekit import __all__

__path__ = [str(Path(__file__).with_name("_rtc"))]


def __getattr__(name: str) -> object:
    if name in __all__:
        value: object = getattr(livekit, name)
    elif not name.startswith("__") and find_spec(f"{__name__}.{name}") is not None:
        return importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
