"""Checks of the types of arguments, for applications that are not type-checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast


def check_str(value: object, name: str) -> None:
    """Raise TypeError if `value` is not a str; `name` is the argument's."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")


def check_instance(value: object, expected: type, name: str) -> None:
    """Raise TypeError if `value` is not an instance of `expected`; `name` is the argument's."""
    if not isinstance(value, expected):
        raise TypeError(f"{name} must be {expected.__name__}, not {type(value).__name__}")


def check_optional_str(value: object, name: str) -> None:
    """Raise TypeError if `value` is neither a str nor None."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} must be a str or None, not {type(value).__name__}")


def check_identities(value: object, name: str = "destination_identities") -> list[str]:
    """Return the identities in a collection, none for None.

    Raises:
        TypeError: it is no collection of str; a single str would be read as a collection of its characters.
    """
    if value is None:
        return []
    if isinstance(value, (str, bytes, bytearray)) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list of str, not {type(value).__name__}")
    identities = list(cast("Iterable[object]", value))
    for identity in identities:
        check_str(identity, f"an identity in {name}")
    return cast("list[str]", identities)


def check_attributes(value: object, name: str = "attributes") -> None:
    """Raise TypeError if `value` is not a mapping of str to str."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a dict of str, not {type(value).__name__}")
    for key, text in cast("Mapping[object, object]", value).items():
        check_str(key, f"a key of {name}")
        check_str(text, f"the value of {key!r} in {name}")
