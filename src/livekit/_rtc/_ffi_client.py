"""The official SDK's native library, which this package does not have: the names import, their use raises."""

from __future__ import annotations

from typing import Any

__all__ = ["FfiClient", "FfiHandle", "FfiQueue"]

_MESSAGE = "livekit.rtc._ffi_client drives the official SDK's native library; livekit-pure is pure Python and has none"


class _Instance:
    def __get__(self, _: object, owner: type) -> Any:
        raise NotImplementedError(_MESSAGE)


class FfiClient:
    """Raises NotImplementedError."""

    instance = _Instance()

    def __init__(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError(_MESSAGE)


class FfiHandle:
    """Raises NotImplementedError."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError(_MESSAGE)


class FfiQueue:
    """Raises NotImplementedError."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError(_MESSAGE)

    def __class_getitem__(cls, _: Any) -> type[FfiQueue]:
        return cls
