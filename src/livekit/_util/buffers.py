"""Content given as bytes."""

from __future__ import annotations


def to_bytes(value: object, name: str) -> bytes:
    """Return the content of a bytes-like object; `name` is the argument's.

    Raises:
        TypeError: `value` is not bytes-like. `bytes` itself would make zeros of an int and content of a list.
    """
    if type(value) is bytes:  # spares a copy
        return value
    try:
        return bytes(memoryview(value))  # type: ignore[arg-type]  # checked at run time
    except TypeError:
        raise TypeError(f"{name} must be bytes-like, not {type(value).__name__}") from None
