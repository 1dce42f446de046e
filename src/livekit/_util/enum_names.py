"""Names of protobuf enum values, including values newer than this package's schema."""

from __future__ import annotations

from typing import Protocol, TypeVar

V = TypeVar("V", bound=int, contravariant=True)


class NamedValues(Protocol[V]):
    """A protobuf enum."""

    def Name(self, number: V) -> str: ...  # noqa: N802 - protobuf's name


def enum_name(enum: NamedValues[V], value: V) -> str:
    """Return the name of a value, or its number if the enum does not have it.

    proto3 enums are open: a peer may send any number, for which `Name` raises ValueError.
    """
    try:
        return enum.Name(value)
    except ValueError:
        return str(int(value))
