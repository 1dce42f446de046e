"""Names of protobuf's enum values, which may be newer than we are."""

from __future__ import annotations

from typing import Protocol, TypeVar

V = TypeVar("V", bound=int, contravariant=True)


class NamedValues(Protocol[V]):
    """A protobuf enum."""

    def Name(self, number: V) -> str: ...  # noqa: N802 - as protobuf has it


def enum_name(enum: NamedValues[V], value: V) -> str:
    """The name of a value; its number where the enum has no such value. `Name` itself raises ValueError then, which
    what others send must not bring about: enums are open (proto3)."""
    try:
        return enum.Name(value)
    except ValueError:
        return str(int(value))
