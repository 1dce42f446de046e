"""The error for names of the official SDK's protobuf modules that this package does not have."""

from __future__ import annotations

from typing import NoReturn

__all__ = ["raise_for_absent"]


def raise_for_absent(module: str, name: str) -> NoReturn:
    """Raise AttributeError for a name that a module ``livekit.rtc._proto.…_pb2`` does not have."""
    reason = ""
    if not name.startswith("_"):
        reason = (
            ": messages to and from the official SDK's native library are left out, as livekit-pure is pure Python "
            "and has none"
        )
    raise AttributeError(f"module {module!r} has no attribute {name!r}{reason}", name=name)
